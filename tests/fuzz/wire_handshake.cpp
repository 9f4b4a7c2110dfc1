#include "shared/wire/handshake.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pinhole;

namespace {

/// What a caller writes behind the covered part: the MAC and, behind an initiation, the cookie.
std::size_t encode_whole(const wire::HandshakeInitiation& message, MutableBytes out) {
    const std::size_t covered = wire::encode_covered(message, out);
    assert(covered == message.covered.size());
    Writer writer{out.subspan(covered)};
    return covered + writer.bytes(message.mac1).bytes(message.cookie).size();
}

std::size_t encode_whole(const wire::HandshakeResponse& message, MutableBytes out) {
    const std::size_t covered = wire::encode_covered(message, out);
    assert(covered == message.covered.size());
    Writer writer{out.subspan(covered)};
    return covered + writer.bytes(message.mac1).size();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes input = fuzz::input_bytes(data, size);
    const auto encode = [](const auto& message, MutableBytes out) {
        return wire::encode(message, out);
    };
    const auto encode_with_mac = [](const auto& message, MutableBytes out) {
        return encode_whole(message, out);
    };
    fuzz::check_round_trip(input, wire::parse_initiation, encode_with_mac);
    fuzz::check_round_trip(input, wire::parse_response, encode_with_mac);
    fuzz::check_round_trip(input, wire::parse_retry, encode);
    fuzz::check_round_trip(input, wire::parse_handshake_payload, encode);
    return 0;
}
