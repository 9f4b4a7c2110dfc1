#include "shared/wire/transport.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pinhole;

namespace {

void check_header(Bytes input) {
    const auto header = wire::parse_transport_header(input);
    if (!header) return;
    ByteVector again = to_vector(input);
    wire::encode_header(*header, again);
    const auto second = wire::parse_transport_header(again);
    assert(second.has_value());
    assert(*second == *header);
    assert(same_bytes(input.subspan(2), Bytes{again}.subspan(2)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes input = fuzz::input_bytes(data, size);
    const auto encode = [](const auto& message, MutableBytes out) {
        return wire::encode(message, out);
    };
    if (const auto kind = wire::classify(input); kind) {
        assert(*kind >= wire::Kind::kBindingRequest);
        assert(*kind <= wire::Kind::kGone);
        assert(!wire::is_stun(input));
    }
    check_header(input);
    fuzz::check_round_trip(input, wire::parse_opener, encode);
    fuzz::check_round_trip(input, wire::parse_gone, encode);
    return 0;
}
