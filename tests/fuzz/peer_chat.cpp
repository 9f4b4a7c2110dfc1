#include <string>

#include "peer/chat_protocol.hpp"
#include "peer/text_sanitizer.hpp"
#include "shared/base/cursor.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pinhole;

// A message of the other side's tool, as control and as text, and the text on its way to a
// terminal.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes input = fuzz::input_bytes(data, size);
    const auto write = [](const auto& message, MutableBytes out) {
        const ByteVector bytes = peer::encode(message);
        Writer{out}.bytes(bytes);
        return bytes.size();
    };
    fuzz::check_round_trip(input, peer::parse_control, write);
    fuzz::check_round_trip(input, peer::parse_text, write);

    const std::string shown = peer::sanitized(as_text(input));
    for (const char octet : shown) {
        const auto value = static_cast<unsigned char>(octet);
        assert(value >= 0x20);
        assert(value != 0x7f);
    }
    assert(peer::sanitized(shown) == shown);
    static_cast<void>(peer::display_width(shown));
    return 0;
}
