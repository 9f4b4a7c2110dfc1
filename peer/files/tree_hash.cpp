#include "peer/files/tree_hash.hpp"

#include "shared/base/cursor.hpp"
#include "shared/crypto/digest.hpp"

namespace pinhole::peer::files {
namespace {

constexpr std::string_view kChunkPurpose = "Pinhole chunk";
constexpr std::string_view kFilePurpose = "Pinhole file";

}  // namespace

Hash hash_of_chunk(Bytes chunk) {
    return crypto::blake2b(kChunkPurpose, {}, chunk);
}

TreeHash::TreeHash(std::uint64_t size) : value_{} {
    FixedBytes<8> bytes{};
    Writer{bytes}.u64(size);
    value_ = crypto::blake2b(kFilePurpose, {}, bytes);
}

void TreeHash::add(const Hash& chunk) {
    FixedBytes<64> both{};
    Writer{both}.bytes(value_).bytes(chunk);
    value_ = crypto::blake2b(kFilePurpose, {}, both);
    ++chunks_;
}

}  // namespace pinhole::peer::files
