// The parts of the completion scripts that no table decides.
#pragma once

#include <string_view>

namespace pinhole::peer {

/// For bash and zsh: from the words before the current one to candidates.
extern const std::string_view kPosixCandidates;
/// How each shell asks, and what it does with the candidates.
extern const std::string_view kBashAsks;
extern const std::string_view kZshAsks;
/// Both parts, for fish.
extern const std::string_view kFishCandidates;

}  // namespace pinhole::peer
