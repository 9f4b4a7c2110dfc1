#include "shared/wire/pcp.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pinhole;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes input = fuzz::input_bytes(data, size);
    const auto encode = [](const auto& message, MutableBytes out) {
        return wire::encode(message, out);
    };
    fuzz::check_round_trip(input, wire::parse_pcp_map_request, encode);
    fuzz::check_round_trip(input, wire::parse_pcp_map_response, encode);
    const auto response = wire::parse_pcp_map_response(input);
    const bool is_mapped = response && response->result == wire::PcpResult::kSuccess;
    if (is_mapped && response->external) assert(response->external->port != 0);
    return 0;
}
