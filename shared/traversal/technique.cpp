#include "shared/traversal/technique.hpp"

namespace pinhole::traversal {

namespace {

using wire::Allocation;
using wire::Dependence;
using wire::NatBehavior;

/// A new socket's first mapping can be told beforehand.
bool is_predictable(const NatBehavior& behavior) {
    return behavior.allocation == Allocation::kPreserving ||
           behavior.allocation == Allocation::kSequential;
}

/// A new socket writes to the other side from one port alone, which is its own: so it can be told,
/// and be aimed at like an easy one.
bool keeps_one_port(const NatBehavior& behavior) {
    return behavior.mapping == Dependence::kAddressDependent &&
           behavior.allocation == Allocation::kPreserving;
}

/// As far as is known, whoever writes gets in.
bool lets_any_address_in(const NatBehavior& behavior) {
    return behavior.filtering == Dependence::kEndpointIndependent;
}

Technique technique_against(const NatBehavior& hard) {
    switch (hard.allocation) {
        case Allocation::kPreserving: return Technique::kPortGuess;
        case Allocation::kSequential: return Technique::kWindow;
        case Allocation::kRandom:
        case Allocation::kUnknown: return Technique::kBirthday;
    }
    return Technique::kBirthday;
}

Plan guess(Technique technique, Part part, const Plannable& ours, const Plannable& theirs) {
    if (ours.behavior.refuses_sprays || theirs.behavior.refuses_sprays) {
        return {.technique = Technique::kImpossible, .obstacle = Reason::kSpraysOff};
    }
    return {.technique = technique, .part = part};
}

/// After a first-packet race both ports are spoilt for each other, for as long as they are tried.
Plan plan_both_easy(const Plannable& ours, const Plannable& theirs) {
    const bool could_race = ours.behavior.filtering == Dependence::kAddressAndPortDependent &&
                            theirs.behavior.filtering == Dependence::kAddressAndPortDependent;
    const bool both_keep = ours.behavior.allocation == Allocation::kPreserving &&
                           theirs.behavior.allocation == Allocation::kPreserving;
    if (!could_race || !both_keep) return {};
    return {.technique = Technique::kFreshPorts, .part = Part::kBoth};
}

Plan plan_one_hard(const Plannable& ours, const Plannable& theirs, bool we_are_hard) {
    const NatBehavior& hard = we_are_hard ? ours.behavior : theirs.behavior;
    const NatBehavior& easy = we_are_hard ? theirs.behavior : ours.behavior;
    if (lets_any_port_in(easy)) return {};  // it hears us, and answers what it observed
    const Technique technique = technique_against(hard);
    Plan plan;
    if (technique == Technique::kPortGuess) {
        // One port is no spray: nobody's refusal forbids a single check.
        plan = {.technique = technique, .part = we_are_hard ? Part::kOpener : Part::kNone};
    } else {
        plan = guess(technique, we_are_hard ? Part::kOpener : Part::kProber, ours, theirs);
    }
    plan.listens = lets_any_address_in(hard);
    return plan;
}

Plan plan_both_hard(const Plannable& ours, const Plannable& theirs) {
    const NatBehavior& a = ours.behavior;
    const NatBehavior& b = theirs.behavior;
    if (lets_any_address_in(a) || lets_any_address_in(b)) {
        return {};  // whoever is let in is observed, and answered
    }
    const bool we_can_open = lets_any_port_in(a);
    if (we_can_open || lets_any_port_in(b)) {
        const bool we_open = we_can_open && (ours.leads || !lets_any_port_in(b));
        const bool counts = (we_open ? a : b).allocation == Allocation::kSequential;
        return guess(counts ? Technique::kWindow : Technique::kBirthday,
                     we_open ? Part::kOpener : Part::kProber, ours, theirs);
    }
    if (is_predictable(a) && is_predictable(b)) {
        const bool both_keep =
            a.allocation == Allocation::kPreserving && b.allocation == Allocation::kPreserving;
        if (both_keep) return {.technique = Technique::kPortGuess, .part = Part::kBoth};
        return guess(Technique::kMeeting, Part::kBoth, ours, theirs);
    }
    if (keeps_one_port(a) || keeps_one_port(b)) {
        return guess(Technique::kBirthday, Part::kBoth, ours, theirs);
    }
    if (a.has_low_ports && b.has_low_ports) {
        return guess(Technique::kLowPorts, Part::kBoth, ours, theirs);
    }
    return {.technique = Technique::kImpossible, .obstacle = Reason::kBothHard};
}

}  // namespace

bool is_hard(const NatBehavior& behavior) {
    return wire::is_dependent(behavior.mapping);
}

bool lets_any_port_in(const NatBehavior& behavior) {
    return wire::ignores_ports(behavior.filtering);
}

Plan plan_for(const Plannable& ours, const Plannable& theirs) {
    if (ours.behavior.is_udp_blocked) {
        return {.technique = Technique::kImpossible, .obstacle = Reason::kUdpBlocked};
    }
    if (theirs.behavior.is_udp_blocked) {
        return {.technique = Technique::kImpossible, .obstacle = Reason::kPeerUdpBlocked};
    }
    const bool we_are_hard = is_hard(ours.behavior);
    const bool they_are_hard = is_hard(theirs.behavior);
    if (!we_are_hard && !they_are_hard) return plan_both_easy(ours, theirs);
    if (we_are_hard && they_are_hard) return plan_both_hard(ours, theirs);
    return plan_one_hard(ours, theirs, we_are_hard);
}

std::string_view name_of(Technique technique) {
    switch (technique) {
        case Technique::kChecks: return "checks";
        case Technique::kFreshPorts: return "fresh_ports";
        case Technique::kPortGuess: return "port_guess";
        case Technique::kWindow: return "window";
        case Technique::kBirthday: return "birthday";
        case Technique::kMeeting: return "meeting";
        case Technique::kLowPorts: return "low_ports";
        case Technique::kImpossible: return "none";
    }
    return "?";
}

std::string_view sentence_of(Technique technique) {
    switch (technique) {
        case Technique::kChecks: return "both sides send at the same time, and that is enough";
        case Technique::kFreshPorts:
            return "both sides send at the same time, once more from new ports if need be";
        case Technique::kPortGuess: return "one NAT keeps the local port, so that port is tried";
        case Technique::kWindow:
            return "one NAT counts its ports upwards, so the next ones are tried";
        case Technique::kBirthday:
            return "one NAT draws its ports at random, so many are opened and many are tried";
        case Technique::kMeeting:
            return "both NATs hand out predictable ports, so both sides predict";
        case Technique::kLowPorts:
            return "both NATs draw their ports at random, so both use the few ports below 1024";
        case Technique::kImpossible: return "no direct path but by luck";
    }
    return "?";
}

std::string_view sentence_of(const Plan& plan) {
    const bool is_luck = plan.obstacle == Reason::kBothHard;
    if (plan.technique != Technique::kImpossible || is_luck) return sentence_of(plan.technique);
    return sentence_of(plan.obstacle);
}

}  // namespace pinhole::traversal
