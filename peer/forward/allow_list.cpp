#include "peer/forward/allow_list.hpp"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "shared/base/ascii.hpp"

namespace pinhole::peer {
namespace {

template <class Number>
std::optional<Number> number_of(std::string_view text) {
    Number number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size()) return {};
    return number;
}

auto not_a_rule(std::string_view text, std::string_view why) {
    return failure(fmt::format(
        "'{}': {}; expected HOST:PORT, such as 127.0.0.1:22, 192.168.1.0/24:* or [::1]:8000-8099",
        text, why));
}

std::optional<std::pair<std::uint16_t, std::uint16_t>> ports_of(std::string_view text) {
    if (text == "*") return std::pair<std::uint16_t, std::uint16_t>{1, 65535};
    const std::size_t dash = text.find('-');
    const auto first = number_of<std::uint16_t>(text.substr(0, dash));
    const auto last =
        dash == std::string_view::npos ? first : number_of<std::uint16_t>(text.substr(dash + 1));
    if (!first || !last || *first == 0 || *last < *first) return {};
    return std::pair{*first, *last};
}

bool is_name(std::string_view text) {
    const auto is_fine = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
    };
    // What ends in a number is a mistyped address (WHATWG URL 3.5).
    const std::string_view label = text.substr(text.rfind('.') + 1);
    return !text.empty() && std::ranges::all_of(text, is_fine) &&
           label.find_first_not_of("0123456789") != std::string_view::npos;
}

}  // namespace

Result<AllowRule, std::string> AllowRule::parse(std::string_view text) {
    AllowRule out;
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return not_a_rule(text, "the port is missing");
    const auto ports = ports_of(text.substr(colon + 1));
    if (!ports) return not_a_rule(text, "the port is no number, range or *");
    std::tie(out.first_port_, out.last_port_) = *ports;
    std::string_view host = text.substr(0, colon);
    if (host == "*") {
        out.is_any_ = true;
        return out;
    }
    const std::size_t slash = host.rfind('/');
    const auto prefix = slash == std::string_view::npos
                            ? std::nullopt
                            : number_of<unsigned>(host.substr(slash + 1));
    if (slash != std::string_view::npos && !prefix)
        return not_a_rule(text, "a network's size is a number");
    host = host.substr(0, slash);
    const bool has_brackets = host.starts_with('[') && host.ends_with(']');
    if (has_brackets) host = host.substr(1, host.size() - 2);
    if (!has_brackets && host.find(':') != std::string_view::npos) {
        return not_a_rule(text, "an IPv6 address stands in brackets");
    }
    out.network_ = IpAddress::parse(host);
    if (out.network_) {
        const unsigned whole = out.network_->is_v4() ? 32 : 128;
        out.prefix_ = prefix.value_or(whole);
        if (out.prefix_ > whole) return not_a_rule(text, "so many bits are in no address");
        return out;
    }
    out.name_ = in_small_letters(host);
    if (has_brackets || prefix || !is_name(out.name_))
        return not_a_rule(text, "no address and no name");
    return out;
}

bool AllowRule::allows_name(std::string_view host) const {
    return is_any_ || (!name_.empty() && name_ == in_small_letters(host));
}

bool AllowRule::allows_address(const IpAddress& ip) const {
    if (is_any_) return true;
    return network_ && network_->family() == ip.family() &&
           network_->prefix(prefix_) == ip.prefix(prefix_);
}

Verdict AllowList::verdict(std::string_view host, std::uint16_t port) const {
    const auto ip = IpAddress::parse(host);
    if (ip) return allows({*ip, port}) ? Verdict::kAllowed : Verdict::kRefused;
    Verdict verdict = Verdict::kRefused;
    for (const AllowRule& rule : rules_) {
        if (!rule.allows_port(port)) continue;
        if (rule.allows_name(host)) return Verdict::kAllowed;
        if (rule.is_of_addresses()) verdict = Verdict::kDependsOnAddress;
    }
    return verdict;
}

bool AllowList::allows(const Endpoint& endpoint) const {
    return std::ranges::any_of(rules_, [&](const AllowRule& rule) {
        return rule.allows_port(endpoint.port) && rule.allows_address(endpoint.ip);
    });
}

}  // namespace pinhole::peer
