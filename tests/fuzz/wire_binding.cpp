#include "shared/wire/binding.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pinhole;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes input = fuzz::input_bytes(data, size);
    const auto encode = [](const auto& message, MutableBytes out) {
        return wire::encode(message, out);
    };
    fuzz::check_round_trip(input, wire::parse_binding_request, encode);
    fuzz::check_round_trip(input, wire::parse_binding_response, encode);
    return 0;
}
