#include "shared/wire/rendezvous_frame.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pinhole;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::check_round_trip(fuzz::input_bytes(data, size), wire::parse_client_frame,
                           fuzz::encode_any<wire::ClientFrame>);
    return 0;
}
