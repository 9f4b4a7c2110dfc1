#include <string>

#include "peer/files/entry_name.hpp"
#include "peer/files/file_protocol.hpp"
#include "peer/files/frame_splitter.hpp"
#include "shared/base/cursor.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pinhole;
using namespace pinhole::peer;

namespace {

/// A path that may be made has no way out, whatever else it holds.
void check_path(std::string_view path) {
    if (files::fault_of_path(path, true)) return;
    for (const std::string_view component : files::components_of(path)) {
        assert(!component.empty());
        assert(component != "." && component != "..");
        assert(component.find('\0') == std::string_view::npos);
    }
}

}  // namespace

// What the other side says in a stream of files: as one frame, as a stream in pieces, and as the
// stream's argument.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Bytes input = fuzz::input_bytes(data, size);
    fuzz::check_round_trip(input, files::parse_frame,
                           [](const files::Frame& frame, MutableBytes out) {
                               ByteVector bytes;
                               files::append(bytes, frame);
                               Writer{out}.bytes(bytes);
                               return bytes.size();
                           });
    fuzz::check_round_trip(input, files::parse_announcement,
                           [](const files::Announcement& announcement, MutableBytes out) {
                               const ByteVector bytes = files::encode(announcement);
                               Writer{out}.bytes(bytes);
                               return bytes.size();
                           });
    check_path(as_text(input));

    files::FrameSplitter splitter;
    Bytes rest = input;
    while (!rest.empty()) {
        // The input says how it is cut.
        const std::size_t piece = std::to_integer<std::size_t>(rest.front()) + 1;
        const auto taken = splitter.take(rest.first(std::min(piece, rest.size())));
        if (!taken) break;
        rest = rest.subspan(*taken);
        if (!splitter.is_whole()) continue;
        const auto frame = splitter.frame();
        if (frame && std::holds_alternative<files::Offer>(*frame)) {
            check_path(std::get<files::Offer>(*frame).path);
        }
        splitter.next();
    }
    return 0;
}
