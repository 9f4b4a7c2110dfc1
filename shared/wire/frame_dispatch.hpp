// What the encoders and parsers of every kind of session share: the tag in front of a frame, and
// the step from one parsed frame to the variant of all that may stand in its place.
#pragma once

#include <utility>

#include "shared/wire/frame.hpp"

namespace pinhole::wire {

/// Writes the byte that begins every frame.
inline void write_tag(Writer& writer, FrameTag tag) {
    writer.u8(static_cast<std::uint8_t>(tag));
}

/// `frame` as one alternative of the variant `Any`, or the reason for which it was dropped.
template <class Any, class Frame>
[[nodiscard]] Parsed<Any> as_alternative(Parsed<Frame> frame) {
    if (!frame) return dropped(frame.error());
    return Any{std::move(*frame)};
}

}  // namespace pinhole::wire
