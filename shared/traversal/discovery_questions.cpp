// What discovery asks in each phase, and what the answers, and their absence, mean.
#include <algorithm>

#include "shared/traversal/allocation.hpp"
#include "shared/traversal/discovery.hpp"

namespace pinhole::traversal {
namespace {

using wire::Dependence;

/// An opener of each TTL is tried so often: it may be lost, but most of the eight must fail.
constexpr unsigned kOpenerTries = 2;

}  // namespace

Question Discovery::question(Topic topic, const Path& path) {
    return {.topic = topic,
            .asked = path,
            .answered = path,
            .request = {.transaction = random_.bytes<8>()},
            .wait = wait_};
}

void Discovery::sample(Instant now) {
    for (const Spare& spare : spares_) {
        if (spare.mapped) continue;
        questions_.ask(now, question(spare.is_low ? Topic::kLowSample : Topic::kSample,
                                     {spare.socket, server_.remote}));
    }
    if (!std::exchange(has_asked_main_, true)) questions_.ask(now, question(Topic::kMain, server_));
}

void Discovery::filter(Instant now) {
    if (second_) questions_.ask(now, question(Topic::kMainSecond, {server_.socket, *second_}));
    if (elsewhere_) {
        questions_.ask(now, question(Topic::kMainElsewhere, {server_.socket, *elsewhere_}));
    }
    const auto spares = usable();
    if (spares.empty()) return;
    const Spare& spare = *spares.front();
    Question ask = question(Topic::kFilterPort, {spare.socket, server_.remote});
    ask.request.cookie = spare.cookie;
    if (second_) {
        ask.request.from_other_port = true;
        ask.answered.remote = *second_;
        questions_.ask(now, ask);
    }
    if (elsewhere_) {
        ask.topic = Topic::kFilterAddress;
        ask.request.transaction = random_.bytes<8>();
        ask.request.from_other_port = false;
        ask.request.from_other_address = true;
        ask.answered.remote = *elsewhere_;
        questions_.ask(now, ask);
    }
}

void Discovery::probe(Instant now) {
    const Dependence filters = report_.behavior.filtering;
    const Dependence maps = report_.behavior.mapping;
    probe_hairpin(now);
    if (filters == Dependence::kEndpointIndependent) report_.suffers_first_packet_race = false;
    // Where the mapping depends on the port, the second port sees another one in any case.
    const bool is_comparable =
        maps != Dependence::kUnknown && maps != Dependence::kAddressAndPortDependent;
    const auto spares = usable();
    if (filters != Dependence::kAddressAndPortDependent || !is_comparable || spares.empty()) return;
    questions_.ask(now, question(Topic::kRace, {spares.front()->socket, *second_}));
    try_opener(now, kOpenerTtlMin);
}

void Discovery::probe_hairpin(Instant now) {
    const auto spares = usable();
    // Two strict and dependent mappings never meet; asking would cost two mappings for nothing.
    const bool can_meet = wire::is_independent(report_.behavior.mapping) ||
                          wire::is_independent(report_.behavior.filtering);
    if (report_.is_untranslated != false || !can_meet || spares.size() < 2) return;
    const Spare& one = *spares[spares.size() - 2];
    const Spare& other = *spares[spares.size() - 1];
    for (const auto& [from, to] : {std::pair{&one, &other}, std::pair{&other, &one}}) {
        Question ask = question(Topic::kHairpin, {from->socket, *to->mapped});
        ask.answered = {to->socket, *from->mapped};
        questions_.ask(now, ask);
    }
}

void Discovery::try_opener(Instant now, std::uint8_t ttl) {
    const auto spares = usable();
    if (ttl > kOpenerTtlMax || spares.size() < 2) return;
    // A vain answer spoils the port on a router with the race: a fresh spare for each TTL then, and
    // else as long as there are some.
    const std::size_t index = 1U + ttl - kOpenerTtlMin;
    if (index >= spares.size() && report_.suffers_first_packet_race.value_or(true)) return;
    const Spare& spare = *spares[std::min(index, spares.size() - 1)];
    Question ask = question(Topic::kOpener, {spare.socket, server_.remote});
    ask.request.cookie = spare.cookie;
    ask.request.from_other_port = true;
    ask.answered.remote = *second_;
    ask.opener_ttl = ttl;
    ask.tries_max = kOpenerTries;
    questions_.ask(now, ask);
}

void Discovery::on_answer(const Question& question, const wire::BindingResponse& response) {
    Spare* spare = find(question.answered.socket);
    switch (question.topic) {
        case Topic::kSample:
        case Topic::kLowSample:
            if (spare == nullptr) return;
            spare->mapped = response.mapped;
            spare->cookie = response.cookie;
            spare->is_in_turn = question.tries == 1;
            return;
        case Topic::kMain:
            main_.first = response.mapped;
            note_other_endpoints(response);
            return;
        case Topic::kMainSecond: main_.second = response.mapped; return;
        case Topic::kMainElsewhere: main_.elsewhere = response.mapped; return;
        case Topic::kFilterPort: hears_other_port_ = true; return;
        case Topic::kFilterAddress: hears_other_address_ = true; return;
        case Topic::kRace:
            report_.suffers_first_packet_race =
                spare != nullptr && spare->mapped != response.mapped;
            return;
        case Topic::kOpener: report_.opener_ttl = question.opener_ttl; return;
        case Topic::kHairpin:
        case Topic::kLifetime: return;  // not answered by responses, or not asked here
    }
}

void Discovery::on_failure(Instant now, const Question& question) {
    if (question.topic == Topic::kOpener) {
        try_opener(now, static_cast<std::uint8_t>(*question.opener_ttl + 1));
    } else if (question.topic == Topic::kHairpin && !report_.hairpins) {
        report_.hairpins = false;
    }
}

void Discovery::note_other_endpoints(const wire::BindingResponse& response) {
    const Endpoint& first = server_.remote;
    for (Endpoint other : response.other_endpoints) {
        if (other.ip.family() != first.ip.family()) continue;
        if (other.ip.is_unspecified()) other.ip = first.ip;
        if (other.ip == first.ip) {
            if (other.port != first.port) second_ = other;
        } else if (other.port == first.port) {
            elsewhere_ = other;
        }
    }
}

void Discovery::note_samples() {
    std::vector<PortSample> in_turn;
    std::vector<PortSample> all;
    for (const Spare* spare : usable()) {
        all.push_back({.local = spare->local_port, .external = spare->mapped->port});
        if (spare->is_in_turn) in_turn.push_back(all.back());
    }
    const AllocationFinding found = allocation_of(in_turn.size() < 3 ? all : in_turn);
    wire::NatBehavior& behavior = report_.behavior;
    behavior.allocation = found.allocation;
    behavior.step = found.step;
    behavior.first_port = found.first_port;
    behavior.last_port = found.last_port;
    if (!all.empty()) behavior.newest_port = all.back().external;

    report_.external = main_.first;
    if (main_.first) {
        report_.is_untranslated =
            std::ranges::find(addresses_, main_.first->ip) != addresses_.end();
    }
    const auto is_low = [](const Spare& spare) { return spare.is_low && spare.mapped; };
    if (std::ranges::none_of(spares_, is_low)) return;
    report_.keeps_low_ports = std::ranges::all_of(spares_, [&](const Spare& spare) {
        return !is_low(spare) ||
               (spare.mapped->port >= kLowPortFirst && spare.mapped->port <= kLowPortLast);
    });
    behavior.has_low_ports = *report_.keeps_low_ports;
}

void Discovery::note_behavior() {
    report_.behavior.mapping = mapping();
    report_.behavior.filtering = filtering();
}

Dependence Discovery::mapping() const {
    if (report_.is_untranslated == true) return Dependence::kEndpointIndependent;
    if (!main_.first || !main_.second) return Dependence::kUnknown;
    if (main_.first != main_.second) return Dependence::kAddressAndPortDependent;
    if (!main_.elsewhere) return Dependence::kPortIndependent;
    return main_.first == main_.elsewhere ? Dependence::kEndpointIndependent
                                          : Dependence::kAddressDependent;
}

Dependence Discovery::filtering() const {
    if (hears_other_address_) return Dependence::kEndpointIndependent;
    // That nothing comes means something only if something is known to go out there.
    if (hears_other_port_) {
        return main_.elsewhere ? Dependence::kAddressDependent : Dependence::kPortIndependent;
    }
    const bool could_hear = main_.second.has_value() && !usable().empty();
    return could_hear ? Dependence::kAddressAndPortDependent : Dependence::kUnknown;
}

Discovery::Spare* Discovery::find(SocketId socket) {
    const auto found = std::ranges::find(spares_, socket, &Spare::socket);
    return found == spares_.end() ? nullptr : &*found;
}

std::vector<const Discovery::Spare*> Discovery::usable() const {
    std::vector<const Spare*> out;
    for (const Spare& spare : spares_) {
        if (!spare.is_low && spare.mapped) out.push_back(&spare);
    }
    return out;
}

}  // namespace pinhole::traversal
