#include "shared/net/resolver.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <asio/post.hpp>
#include <fmt/format.h>

#include "shared/net/sockaddr.hpp"

namespace pinhole::net {
namespace {

/// RFC 1035 2.3.4, as text.
constexpr std::size_t kHostNameMax = 253;

constexpr std::string_view kForms =
    "expected host, host:port, 192.0.2.1:port or [2001:db8::1]:port";

auto not_an_address(std::string_view text, std::string_view why) {
    return failure(ResolveFailure{fmt::format("\"{}\": {}; {}", text, why, kForms)});
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
    std::uint16_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc{} || end != text.data() + text.size() || port == 0) return {};
    return port;
}

bool is_host_character(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
}

/// Host names in the widest sense; names beyond ASCII are for the user to write as "xn--".
bool is_host_name(std::string_view text) {
    return !text.empty() && text.size() <= kHostNameMax &&
           std::ranges::all_of(text, is_host_character);
}

/// True for "1.2.3" and "0x7f.1", which the system's resolver would take for addresses that nobody
/// meant (WHATWG URL 3.5, "ends in a number").
bool ends_in_number(std::string_view host) {
    const std::string_view label = host.substr(host.rfind('.') + 1);
    return !label.empty() && (label.starts_with("0x") || label.starts_with("0X") ||
                              label.find_first_not_of("0123456789") == std::string_view::npos);
}

bool is_v6(std::string_view text) {
    const auto ip = IpAddress::parse(text);
    return ip && text.find(':') != std::string_view::npos;
}

bool can_be_sent_to(const Endpoint& endpoint) {
    return endpoint.ip.scope() != Scope::kUnusable;
}

Resolved judge(const HostPort& asked, std::vector<Endpoint> found) {
    std::vector<Endpoint> out;
    for (const Endpoint& endpoint : found) {
        if (can_be_sent_to(endpoint) && std::ranges::find(out, endpoint) == out.end()) {
            out.push_back(endpoint);
        }
    }
    if (!out.empty()) return out;
    return failure(ResolveFailure{
        fmt::format("{} has no address that a datagram can be sent to", asked.host)});
}

ResolveFailure explain(const HostPort& asked, const std::error_code& error) {
    return {
        fmt::format("cannot resolve {}: {}; check the name and this machine's DNS, or give the "
                    "address itself",
                    asked.host, error.message())};
}

std::vector<Endpoint> endpoints_of(const asio::ip::udp::resolver::results_type& results) {
    std::vector<Endpoint> out;
    for (const auto& entry : results) {
        if (const auto endpoint = endpoint_from(entry.endpoint().data())) out.push_back(*endpoint);
    }
    return out;
}

}  // namespace

Result<HostPort, ResolveFailure> HostPort::parse(std::string_view text,
                                                 std::uint16_t default_port) {
    if (is_v6(text)) return HostPort{std::string{text}, default_port};
    std::string_view host = text;
    std::string_view after;
    const bool bracketed = text.starts_with('[');
    if (bracketed) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) return not_an_address(text, "the bracket stays open");
        host = text.substr(1, end - 1);
        after = text.substr(end + 1);
    } else if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
        host = text.substr(0, colon);
        after = text.substr(colon);
    }
    if (bracketed ? !is_v6(host) : !is_host_name(host)) {
        return not_an_address(text, bracketed ? "no IPv6 address in the brackets" : "no host name");
    }
    if (!bracketed && ends_in_number(host) && !IpAddress::parse(host)) {
        return not_an_address(text, "an incomplete IPv4 address");
    }
    if (after.empty()) return HostPort{std::string{host}, default_port};
    const auto port = parse_port(after.substr(1));
    if (!after.starts_with(':') || !port) {
        return not_an_address(text, "the port is not a number from 1 to 65535");
    }
    return HostPort{std::string{host}, *port};
}

void Resolver::resolve(std::string_view text, std::uint16_t default_port,
                       std::function<void(const Resolved&)> answered) {
    auto done = while_wanted(std::move(answered));
    const auto asked = HostPort::parse(text, default_port);
    if (!asked) {
        asio::post(resolver_.get_executor(),
                   [error = asked.error(), done = std::move(done)] { done(failure(error)); });
        return;
    }
    if (const auto ip = IpAddress::parse(asked->host)) {
        asio::post(resolver_.get_executor(),
                   [asked = *asked, endpoint = Endpoint{*ip, asked->port}, done = std::move(done)] {
                       done(judge(asked, {endpoint}));
                   });
        return;
    }
    // No "address_configured": a family that appears later is worth knowing, and a datagram that
    // finds no route costs nothing.
    resolver_.async_resolve(
        asked->host, fmt::to_string(asked->port), asio::ip::resolver_base::numeric_service,
        [asked = *asked, done = std::move(done)](std::error_code error, const auto& results) {
            done(error ? Resolved{failure(explain(asked, error))}
                       : judge(asked, endpoints_of(results)));
        });
}

// Asio calls off what it has not begun to tell; an answer that waits in the loop still comes.
std::function<void(const Resolved&)> Resolver::while_wanted(
    std::function<void(const Resolved&)> done) const {
    return [wanted = std::weak_ptr{interest_}, done = std::move(done)](const Resolved& resolved) {
        if (!wanted.expired()) done(resolved);
    };
}

void Resolver::cancel() {
    interest_ = std::make_shared<Interest>();
    resolver_.cancel();
}

}  // namespace pinhole::net
