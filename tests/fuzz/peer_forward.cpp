#include "peer/forward/allow_list.hpp"
#include "peer/forward/spec.hpp"
#include "tests/fuzz/fuzz_input.hpp"

using namespace pinhole;
using namespace pinhole::peer;

namespace {

/// A spec says the same when it is written down and read again, as a peer does that is asked for
/// it.
void check_spec(std::string_view text) {
    const auto first = parse_forward_spec(text);
    if (!first) return assert(!first.error().empty());
    assert(first->port != 0);
    assert(first->target.port != 0);
    assert(!first->endpoints().empty());
    const auto second = parse_forward_spec(first->to_string());
    assert(second.has_value());
    assert(second->to_string() == first->to_string());
    assert(second->transport == first->transport);
}

/// The input is a rule and, behind its first newline, a target that somebody asks for.
void check_rule(std::string_view text) {
    const std::size_t end = text.find('\n');
    const auto rule = AllowRule::parse(text.substr(0, end));
    if (!rule) return assert(!rule.error().empty());
    const AllowList list{{*rule}};
    const std::string_view rest = end == std::string_view::npos ? "" : text.substr(end + 1);
    const auto target = net::HostPort::parse(rest, 0);
    if (!target) return;
    const Verdict verdict = list.verdict(target->host, target->port);
    // No rule is about a port that it does not name, and only names are looked up.
    assert(rule->allows_port(target->port) || verdict == Verdict::kRefused);
    const auto ip = IpAddress::parse(target->host);
    if (!ip) return;
    assert(verdict != Verdict::kDependsOnAddress);
    assert((verdict == Verdict::kAllowed) == list.allows({*ip, target->port}));
}

}  // namespace

// What a user gives `--local` and `--allow`, and a peer in its questions.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = as_text(fuzz::input_bytes(data, size));
    check_spec(text);
    check_rule(text);
    return 0;
}
