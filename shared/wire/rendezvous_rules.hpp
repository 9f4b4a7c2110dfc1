// The rules that the encoders and the parsers of rendezvous frames must agree on.
#pragma once

#include "shared/wire/handshake.hpp"

namespace pinhole::wire {

inline constexpr std::uint8_t kConnectResumeFlag = 1;
inline constexpr std::uint8_t kIntroductionResumeFlag = 1;
inline constexpr std::uint8_t kIntroductionAnswerFirstFlag = 2;

/// True for what may ride inside `relay`: a handshake message or a transport message. Its version
/// is left to the one who receives it, so that a server carries versions newer than its own.
[[nodiscard]] inline bool is_relayable(Bytes message) {
    if (message.empty()) return false;
    const auto kind = std::to_integer<std::uint8_t>(message.front());
    return kind >= static_cast<std::uint8_t>(Kind::kHandshakeInitiation) &&
           kind <= static_cast<std::uint8_t>(Kind::kTransport);
}

/// True for a length that a handshake initiation may have.
[[nodiscard]] constexpr bool is_initiation_sized(std::size_t size) {
    return size >= kInitiationSizeMin && size <= kHandshakeSizeMax;
}

}  // namespace pinhole::wire
