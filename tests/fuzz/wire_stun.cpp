#include "shared/wire/stun.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pinhole;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes input = fuzz::input_bytes(data, size);
    const auto request = wire::parse_stun_request(input);
    if (!request) return 0;
    assert(same_bytes(request->transaction, input.subspan(8, 12)));

    // The longest answer that this request can draw: amplification stays at 2.2 or below.
    FixedBytes<16> ip{};
    ip.fill(std::byte{0x20});
    FixedBytes<wire::kStunResponseSizeMax> out{};
    const std::size_t written = wire::encode({.transaction = request->transaction,
                                              .mapped = {IpAddress::v6(ip), 1},
                                              .with_fingerprint = request->has_fingerprint},
                                             out);
    assert(written * 10 <= size * 22);
    return 0;
}
