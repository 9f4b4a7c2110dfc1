#include "shared/crypto/vector_gcm.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

#include <sodium.h>

#include "shared/crypto/octets.hpp"

#ifdef PINHOLE_HAS_IPSEC_MB
#include <intel-ipsec-mb.h>
#endif

namespace pinhole::crypto {

#ifdef PINHOLE_HAS_IPSEC_MB

namespace {

constexpr std::size_t kTagBytes = 16;

// The library's functions for this CPU, one table for all keys, which never changes once it was
// made. Null where the instructions are missing.
IMB_MGR* functions() {
    static IMB_MGR* const table = []() -> IMB_MGR* {
        // The library asks the CPU alone; the compiler's support asks for the system's consent,
        // too.
        if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw")) {
            return nullptr;
        }
        IMB_MGR* const made = alloc_mb_mgr(0);
        if (made == nullptr) return nullptr;
        if ((made->features & IMB_CPUFLAGS_AVX512_T2) == IMB_CPUFLAGS_AVX512_T2) {
            init_mb_mgr_avx512(made);
            if (imb_get_errno(made) == 0) return made;
        }
        free_mb_mgr(made);
        return nullptr;
    }();
    return table;
}

}  // namespace

struct VectorGcm::Context {
    explicit Context(Bytes of) { IMB_AES256_GCM_PRE(functions(), octets(of), &key); }
    ~Context() {
        sodium_memzero(&key, sizeof key);
        sodium_memzero(&message, sizeof message);
    }
    Context(const Context&) = delete;
    Context& operator=(const Context&) = delete;

    gcm_key_data key{};
    gcm_context_data message{};
};

std::unique_ptr<VectorGcm> VectorGcm::make(Bytes key) {
    assert(key.size() == 32);
    if (functions() == nullptr) return nullptr;
    return std::unique_ptr<VectorGcm>{new VectorGcm{std::make_unique<Context>(key)}};
}

void VectorGcm::seal(Bytes nonce, Bytes associated_data, Bytes text, MutableBytes out,
                     MutableBytes tag) {
    IMB_AES256_GCM_ENC(functions(), &context_->key, &context_->message, octets(out), octets(text),
                       text.size(), octets(nonce), octets(associated_data), associated_data.size(),
                       octets(tag), tag.size());
}

bool VectorGcm::open(Bytes nonce, Bytes associated_data, Bytes in, Bytes tag, MutableBytes out) {
    assert(tag.size() == kTagBytes);
    // Should the library refuse its arguments, this stays as it is and matches nothing. What it
    // says of errors is one word for the whole process, so other threads would be heard there.
    FixedBytes<kTagBytes> expected{};
    std::ranges::transform(tag, expected.begin(), [](std::byte part) { return ~part; });
    IMB_AES256_GCM_DEC(functions(), &context_->key, &context_->message, octets(out), octets(in),
                       in.size(), octets(nonce), octets(associated_data), associated_data.size(),
                       octets(MutableBytes{expected}), expected.size());
    const bool is_opened = sodium_memcmp(expected.data(), tag.data(), tag.size()) == 0;
    if (!is_opened && !out.empty()) sodium_memzero(out.data(), out.size());
    return is_opened;
}

#else

struct VectorGcm::Context {};

std::unique_ptr<VectorGcm> VectorGcm::make(Bytes key) {
    assert(key.size() == 32);
    return nullptr;
}

// Nobody has one to call these on.
void VectorGcm::seal(Bytes /*nonce*/, Bytes /*associated_data*/, Bytes /*text*/,
                     MutableBytes /*out*/, MutableBytes /*tag*/) {
    assert(false);
}

bool VectorGcm::open(Bytes /*nonce*/, Bytes /*associated_data*/, Bytes /*in*/, Bytes /*tag*/,
                     MutableBytes /*out*/) {
    assert(false);
    return false;
}

#endif

VectorGcm::VectorGcm(std::unique_ptr<Context> context) : context_(std::move(context)) {}
VectorGcm::~VectorGcm() = default;

}  // namespace pinhole::crypto
