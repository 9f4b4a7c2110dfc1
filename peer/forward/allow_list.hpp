// Where others may let us connect to, or listen: rules `host:port`. Nothing is allowed that no rule
// allows.
//
// `host` is an address, a network such as 192.168.1.0/24 or [2001:db8::]/32, a name, or `*`;
// `port` is a number, a range such as 8000-8099, or `*`. A name as a rule allows that name and
// whatever it leads to; an address or network allows each name that leads there, and then only
// that address of it is used.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/endpoint.hpp"
#include "shared/base/result.hpp"

namespace pinhole::peer {

/// What the rules say of a host before it is looked up.
enum class Verdict : std::uint8_t {
    kAllowed,
    kRefused,
    kDependsOnAddress,  ///< a name: its addresses must be asked about, one by one
};

class AllowRule {
  public:
    /// On failure a sentence.
    [[nodiscard]] static Result<AllowRule, std::string> parse(std::string_view text);

    [[nodiscard]] bool allows_port(std::uint16_t port) const {
        return port >= first_port_ && port <= last_port_;
    }
    /// The name or `*`; no addresses.
    [[nodiscard]] bool allows_name(std::string_view host) const;
    [[nodiscard]] bool allows_address(const IpAddress& ip) const;
    [[nodiscard]] bool is_of_addresses() const { return network_.has_value() || is_any_; }

  private:
    bool is_any_ = false;
    /// In small letters; empty for the others.
    std::string name_;
    std::optional<IpAddress> network_;
    unsigned prefix_ = 0;
    std::uint16_t first_port_ = 1;
    std::uint16_t last_port_ = 65535;
};

class AllowList {
  public:
    AllowList() = default;
    explicit AllowList(std::vector<AllowRule> rules) : rules_(std::move(rules)) {}

    /// `host` is a name or an address without brackets.
    [[nodiscard]] Verdict verdict(std::string_view host, std::uint16_t port) const;
    [[nodiscard]] bool allows(const Endpoint& endpoint) const;
    [[nodiscard]] bool empty() const { return rules_.empty(); }

  private:
    std::vector<AllowRule> rules_;
};

}  // namespace pinhole::peer
