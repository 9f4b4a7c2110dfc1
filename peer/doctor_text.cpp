#include "peer/doctor_text.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "peer/json_lines.hpp"
#include "peer/text_sanitizer.hpp"

namespace pinhole::peer {
namespace {

using wire::Allocation;
using wire::Dependence;

constexpr std::size_t kColumns = 80;
constexpr std::size_t kIndent = 2;
constexpr std::size_t kLabelColumns = 14;

std::string milliseconds(Duration duration) {
    const double ms = static_cast<double>(duration.count()) / 1000.0;
    return ms < 10.0 ? fmt::format("{:.1f} ms", ms) : fmt::format("{:.0f} ms", ms);
}

/// `text` in lines of at most `columns`, cut at spaces; a longer word stands alone.
std::vector<std::string> wrapped(std::string_view text, std::size_t columns) {
    std::vector<std::string> lines;
    std::string line;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        const std::string_view word = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        const bool fits = display_width(line) + 1 + display_width(word) <= columns;
        if (!line.empty() && !fits) lines.push_back(std::exchange(line, {}));
        if (!line.empty()) line += ' ';
        line += word;
    }
    if (!line.empty()) lines.push_back(std::move(line));
    return lines;
}

/// Lines of a report, one after the other.
class Page {
  public:
    explicit Page(const Painter& painter) : painter_(painter) {}

    void blank() { out_ += '\n'; }
    void heading(std::string_view text) { out_ += fmt::format("{}\n", text); }

    void paragraph(Paint paint, std::string_view text) {
        for (const std::string& line : wrapped(text, kColumns - kIndent)) {
            out_ += fmt::format("{:{}}{}\n", "", kIndent, painter_(paint, line));
        }
    }

    /// Nothing for a value that is not known.
    void row(std::string_view label, std::string_view value) {
        constexpr std::size_t kStart = kIndent + kLabelColumns;
        std::string_view head = label;
        for (const std::string& line : wrapped(value, kColumns - kStart)) {
            out_ += fmt::format("{:{}}{:<{}}{}\n", "", kIndent, head, kLabelColumns, line);
            head = {};
        }
    }

    void point(std::string_view text) {
        std::string_view bullet = "- ";
        for (const std::string& line : wrapped(text, kColumns - kIndent - 2)) {
            out_ += fmt::format("{:{}}{}{}\n", "", kIndent, bullet, line);
            bullet = "  ";
        }
    }

    [[nodiscard]] std::string take() { return std::move(out_); }

  private:
    const Painter& painter_;
    std::string out_;
};

Paint paint_of(NatClass nat) {
    switch (nat) {
        case NatClass::kNoNat:
        case NatClass::kFirewall:
        case NatClass::kEasyOpen:
        case NatClass::kEasyAddress:
        case NatClass::kEasyPort:
        case NatClass::kEasy:
        case NatClass::kHardOpen: return Paint::kGood;
        case NatClass::kHardPreserving:
        case NatClass::kHardSequential:
        case NatClass::kHardRandom:
        case NatClass::kHard:
        case NatClass::kUnknown: return Paint::kWarning;
        case NatClass::kUdpBlocked: return Paint::kError;
    }
    return Paint::kWarning;
}

std::string_view mapping_words(Dependence mapping) {
    switch (mapping) {
        case Dependence::kUnknown: return {};
        case Dependence::kEndpointIndependent: return "one outside port for all destinations";
        case Dependence::kPortIndependent:
            return "one outside port for all ports of a destination; of other addresses nothing "
                   "is known, since the rendezvous has one";
        case Dependence::kAddressDependent: return "another outside port for each address";
        case Dependence::kAddressAndPortDependent:
            return "another outside port for each address and port";
    }
    return {};
}

std::string_view filtering_words(Dependence filtering) {
    switch (filtering) {
        case Dependence::kUnknown: return {};
        case Dependence::kEndpointIndependent: return "everybody gets in";
        case Dependence::kPortIndependent:
            return "whom you wrote to gets in from any port; of other addresses nothing is "
                   "known, since the rendezvous has one";
        case Dependence::kAddressDependent: return "whom you wrote to gets in, from any port";
        case Dependence::kAddressAndPortDependent: return "only exactly whom you wrote to gets in";
    }
    return {};
}

std::string allocation_words(const wire::NatBehavior& behavior) {
    std::string range;
    if (behavior.first_port != 0) {
        range = fmt::format("; seen between {} and {}", behavior.first_port, behavior.last_port);
    }
    switch (behavior.allocation) {
        case Allocation::kUnknown: return {};
        case Allocation::kPreserving: return "the inside port, while it is free";
        case Allocation::kSequential:
            return fmt::format("counted, in steps of {}{}", behavior.step, range);
        case Allocation::kRandom: return "unpredictable" + range;
    }
    return {};
}

std::string layers_words(const DoctorReport& report) {
    const auto layers = nat_layers(report);
    if (!layers) return {};
    if (*layers == 0) return "none, the address is not translated";
    return fmt::format("{} (openers need a TTL of {})", *layers, *layers + 1);
}

std::string lifetime_words(const DoctorReport& report) {
    const auto& lifetime = report.nat.mapping_lifetime;
    if (!lifetime) return {};
    if (*lifetime == Duration{}) return "forgotten within 5 s";
    return fmt::format("at least {} s", lifetime->count() / Duration{1s}.count());
}

std::string mapped_port_words(const node::PortMapping& mapping) {
    const std::string via = mapping.via ? fmt::format(" by {}", name_of(*mapping.via)) : "";
    switch (mapping.state) {
        case node::MappingState::kOff: return "switched off";
        case node::MappingState::kNotNeeded: return {};
        case node::MappingState::kAsked: return "the gateway has not answered yet";
        case node::MappingState::kMapped:
            return fmt::format("{}{}", mapping.external.value_or(Endpoint{}), via);
        case node::MappingState::kUnmapped: {
            if (!mapping.reason) return "none";
            const std::string found =
                mapping.external ? fmt::format(" ({})", mapping.external->ip) : "";
            return fmt::format("none: {}{}", name_of(*mapping.reason), found);
        }
    }
    return {};
}

std::string_view choose(std::optional<bool> fact, std::string_view yes, std::string_view no) {
    if (!fact) return {};
    return *fact ? yes : no;
}

void add_network(Page& page, const DoctorReport& report) {
    if (report.server) {
        page.row("rendezvous", fmt::format("{}, {}, over {}", report.server->address,
                                           milliseconds(report.server->round_trip_time),
                                           report.server->over_tcp ? "TCP" : "UDP"));
        if (report.server->observed) page.row("seen there", report.server->observed->to_string());
    } else {
        page.row("rendezvous", fmt::format("{}, no answer", report.via));
    }
    std::string_view label = "addresses";
    for (const LocalAddress& address : report.addresses) {
        page.row(label, fmt::format("{} {}", address.ip, address.interface_name));
        label = {};
    }
    const auto v6 = public_v6(report);
    page.row("IPv6", v6 ? "yes" : "no public address");
}

void add_nat(Page& page, const DoctorReport& report) {
    const auto& nat = report.nat;
    page.row("mapping", mapping_words(nat.behavior.mapping));
    page.row("filtering", filtering_words(nat.behavior.filtering));
    page.row("new ports", allocation_words(nat.behavior));
    page.row("NAT layers", layers_words(report));
    page.row("early inbound",
             choose(nat.suffers_first_packet_race, "moves the outside port", "does no harm"));
    page.row("hairpin", choose(nat.hairpins, "machines inside reach each other by the outside",
                               "machines inside do not reach each other by the outside"));
    page.row("idle flows", lifetime_words(report));
    page.row("low ports", choose(nat.keeps_low_ports, "stay below 1024", "do not stay below 1024"));
    if (report.server) page.row("port mapping", mapped_port_words(report.port_mapping));
}

void add_pair(Page& page, const DoctorReport::Pair& pair, const Painter& painter) {
    page.blank();
    if (!pair.path) {
        page.heading(fmt::format("{}: not reached", pair.peer));
    } else if (pair.path->state == node::PathState::kDirect) {
        const std::string where = pair.path->remote ? " " + pair.path->remote->to_string() : "";
        page.heading(fmt::format("{}: {}{} ({})", pair.peer, painter(Paint::kGood, "direct"), where,
                                 milliseconds(pair.path->round_trip_time)));
    } else {
        const Paint paint =
            pair.path->state == node::PathState::kLost ? Paint::kError : Paint::kWarning;
        page.heading(
            fmt::format("{}: {}", pair.peer, painter(paint, json::token_of(pair.path->state))));
        page.row("because", traversal::sentence_of(pair.path->reason));
    }
    if (pair.theirs) {
        if (pair.theirs->is_udp_blocked) page.row("its network", "lets no UDP out");
        page.row("its mapping", mapping_words(pair.theirs->mapping));
        page.row("its filtering", filtering_words(pair.theirs->filtering));
        page.row("its new ports", allocation_words(*pair.theirs));
    }
    if (pair.plan) page.row("technique", traversal::sentence_of(*pair.plan));
}

}  // namespace

std::string text_of(const DoctorReport& report, const Painter& painter) {
    Page page{painter};
    const NatClass nat = class_of(report);
    page.paragraph(paint_of(nat), words_of(nat));
    page.blank();
    add_network(page, report);
    add_nat(page, report);
    if (report.pair) add_pair(page, *report.pair, painter);
    const auto advice = advice_for(report);
    if (advice.empty()) return page.take();
    page.blank();
    page.heading("advice");
    for (const Advice& one : advice) page.point(one.text);
    return page.take();
}

}  // namespace pinhole::peer
