#include "shared/wire/peer_frame.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pinhole;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::check_round_trip(fuzz::input_bytes(data, size), wire::parse_peer_frame,
                           fuzz::encode_any<wire::PeerFrame>);
    return 0;
}
