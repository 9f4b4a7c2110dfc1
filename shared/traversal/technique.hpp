// The matrix (traversal.md): what two NATs need to be punched. A pure function from two behaviors
// to a plan; both sides compute it from the same two and come to mirrored plans.
//
// "Easy" is a mapping that does not depend on the destination; "hard" is any other. Plain checks
// are always tried first: they find every path that needs no guess, also where the filters help
// (RFC 4787 5). What stands here decides what comes after them.
#pragma once

#include <string_view>

#include "shared/traversal/action.hpp"
#include "shared/wire/nat_behavior.hpp"

namespace pinhole::traversal {

enum class Technique : std::uint8_t {
    kChecks,      ///< openers and checks suffice
    kFreshPorts,  ///< the same once more from new sockets, should the first ones be spoilt
    kPortGuess,   ///< the hard side keeps the local port of a new socket: that one port
    kWindow,      ///< the hard side counts upwards: the next ports after its newest
    kBirthday,    ///< the hard side draws at random: many sockets there, many ports tried here
    kMeeting,     ///< both are predictable: all flows of each side aim at one port of the other
    kLowPorts,    ///< both draw at random among few ports: many sockets and ports on both sides
    kImpossible,  ///< no direct path, or by luck alone; `Plan::obstacle` says why
};

/// Who does what in a guess.
enum class Part : std::uint8_t {
    kNone,    ///< nothing to guess
    kOpener,  ///< opens sockets, each towards the other side, and waits
    kProber,  ///< tries ports of the other side
    kBoth,    ///< both at once
};

struct Plan {
    Technique technique = Technique::kChecks;
    /// Our part; the other side's is the opposite one.
    Part part = Part::kNone;
    /// The hard side filters nothing: if it stays silent until it hears the other, plain checks do.
    /// The server arranges that where it knows both sides in time; else the guess comes.
    bool listens = false;
    /// Why nothing is guessed although plain checks cannot succeed; `kNoAnswer` otherwise.
    Reason obstacle = Reason::kNoAnswer;

    friend bool operator==(const Plan&, const Plan&) = default;
};

/// One side of a pair, as its NAT treats it.
struct Plannable {
    wire::NatBehavior behavior;
    /// Breaks ties: true on exactly one of the two sides.
    bool leads = false;
};

[[nodiscard]] Plan plan_for(const Plannable& ours, const Plannable& theirs);

/// The mapping depends on the destination, as far as is known.
[[nodiscard]] bool is_hard(const wire::NatBehavior& behavior);
/// Datagrams get in from ports of an address that the peer has sent to, whichever port that was.
[[nodiscard]] bool lets_any_port_in(const wire::NatBehavior& behavior);

/// One token in snake_case, for machines, and one English sentence without its full stop.
[[nodiscard]] std::string_view name_of(Technique technique);
[[nodiscard]] std::string_view sentence_of(Technique technique);
/// The same of a whole plan, which knows why nothing can be done.
[[nodiscard]] std::string_view sentence_of(const Plan& plan);

}  // namespace pinhole::traversal
