#include "shared/net/interfaces.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <tuple>

#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <net/if.h>
#include <net/route.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "shared/net/sockaddr.hpp"
#include "shared/net/unique_fd.hpp"

namespace pinhole::net {
namespace {

/// RFC 8200 5: what IPv6 demands of a link, and less than any link of today has.
constexpr unsigned kLinkMtuMin = 1280;

/// Interfaces that lead into containers, virtual machines or other overlays: an address there is
/// no use to a peer, or leads our datagrams through somebody else's tunnel.
constexpr std::array<std::string_view, 9> kOverlayPrefixes{
    "docker", "veth", "br-", "virbr", "tailscale", "wt", "zt", "utun", "wg"};

bool has_overlay_name(std::string_view name) {
    return std::ranges::any_of(
        kOverlayPrefixes, [name](std::string_view prefix) { return name.starts_with(prefix); });
}

bool is_usable(const InterfaceAddress& address) {
    const Scope scope = address.ip.scope();
    if (scope != Scope::kPublic && scope != Scope::kPrivate) return false;
    if (!address.up || address.loopback || address.mtu < kLinkMtuMin) return false;
    if (address.deprecated || address.tentative) return false;
    // A machine whose uplink is a modem or a full tunnel has nothing else to offer.
    if (address.holds_default_route) return true;
    return !address.point_to_point && !has_overlay_name(address.interface_name);
}

/// The most useful first; among the IPv6 addresses of one interface and scope, the one to keep.
bool goes_before(const InterfaceAddress& a, const InterfaceAddress& b) {
    const auto rank = [](const InterfaceAddress& address) {
        return std::tuple{!address.holds_default_route, std::string_view{address.interface_name},
                          address.ip.family(), address.ip.scope(), !address.temporary};
    };
    return rank(a) != rank(b) ? rank(a) < rank(b) : a.ip < b.ip;
}

/// True when both compete for the one place that an interface has for IPv6 addresses of a scope.
bool share_place(const InterfaceAddress& a, const InterfaceAddress& b) {
    return a.ip.is_v6() && b.ip.is_v6() && a.interface_name == b.interface_name &&
           a.ip.scope() == b.ip.scope();
}

/// A file of /proc; nothing when it cannot be opened. One that does not exist is empty: a kernel
/// without IPv6.
std::optional<std::string> read_text(const char* path) {
    std::ifstream file{path};
    if (!file) return errno == ENOENT ? std::optional{std::string{}} : std::nullopt;
    return std::string{std::istreambuf_iterator<char>{file}, {}};
}

std::vector<std::string> words_of(const std::string& line) {
    std::istringstream stream{line};
    return {std::istream_iterator<std::string>{stream}, {}};
}

template <class Take>
void for_each_line(std::string_view text, Take&& take) {
    std::istringstream stream{std::string{text}};
    for (std::string line; std::getline(stream, line);) take(words_of(line));
}

unsigned long hexadecimal(const std::string& text) {
    return std::strtoul(text.c_str(), nullptr, 16);
}

/// Routes that say "no" (the kernel's own fallback on lo) are no way out.
bool leads_out(const std::string& flags) {
    const unsigned long bits = hexadecimal(flags);
    return (bits & RTF_UP) != 0 && (bits & RTF_REJECT) == 0;
}

/// The address flags by (interface, address without colons), from the text of /proc/net/if_inet6.
std::map<std::string, unsigned, std::less<>> ipv6_flags(std::string_view text) {
    std::map<std::string, unsigned, std::less<>> out;
    for_each_line(text, [&](const std::vector<std::string>& words) {
        // address, interface index, prefix length, scope, flags, interface name
        if (words.size() != 6) return;
        out[words[5] + ' ' + words[0]] = static_cast<unsigned>(hexadecimal(words[4]));
    });
    return out;
}

std::string flags_key(std::string_view interface_name, const IpAddress& ip) {
    std::string key{interface_name};
    key += ' ';
    for (const std::byte octet : ip.v6_bytes()) key += fmt::format("{:02x}", octet);
    return key;
}

unsigned mtu_of(int any_socket, const char* interface_name) {
    ifreq request{};
    std::strncpy(request.ifr_name, interface_name, sizeof request.ifr_name - 1);
    if (::ioctl(any_socket, SIOCGIFMTU, &request) != 0) return 0;
    return static_cast<unsigned>(request.ifr_mtu);
}

std::uint8_t prefix_length_of(const sockaddr* mask) {
    if (mask == nullptr) return 0;
    const auto as_address = endpoint_from(mask);
    if (!as_address) return 0;
    if (as_address->ip.is_v4()) {
        return static_cast<std::uint8_t>(std::popcount(as_address->ip.v4_bits()));
    }
    int bits = 0;
    for (const std::byte octet : as_address->ip.v6_bytes()) {
        bits += std::popcount(std::to_integer<unsigned>(octet));
    }
    return static_cast<std::uint8_t>(bits);
}

struct FreeInterfaces {
    void operator()(ifaddrs* list) const { ::freeifaddrs(list); }
};

std::error_code last_error() {
    return {errno, std::generic_category()};
}

}  // namespace

std::vector<LocalAddress> usable_addresses(std::span<const InterfaceAddress> all) {
    std::vector<InterfaceAddress> usable;
    std::ranges::copy_if(all, std::back_inserter(usable), is_usable);
    std::ranges::sort(usable, goes_before);
    const auto repeated = std::ranges::unique(usable, share_place);
    usable.erase(repeated.begin(), repeated.end());
    std::vector<LocalAddress> out;
    for (const InterfaceAddress& address : usable) {
        out.push_back({address.ip, address.prefix_length, address.interface_name});
    }
    return out;
}

std::set<std::string, std::less<>> default_route_interfaces(std::string_view ipv4_routes,
                                                            std::string_view ipv6_routes) {
    std::set<std::string, std::less<>> out;
    for_each_line(ipv4_routes, [&](const std::vector<std::string>& words) {
        // interface, destination, gateway, flags, reference count, use, metric, mask, ...
        if (words.size() < 8 || words[1] != "00000000" || words[7] != "00000000") return;
        if (leads_out(words[3])) out.insert(words[0]);
    });
    for_each_line(ipv6_routes, [&](const std::vector<std::string>& words) {
        // destination, its prefix length, source, its prefix length, next hop, metric, reference
        // count, use, flags, interface
        if (words.size() < 10 || words[1] != "00" || hexadecimal(words[0]) != 0) return;
        if (leads_out(words[8])) out.insert(words[9]);
    });
    return out;
}

Result<std::vector<InterfaceAddress>, std::error_code> read_interface_addresses() {
    const auto routes4 = read_text("/proc/net/route");
    const auto routes6 = read_text("/proc/net/ipv6_route");
    const auto inet6 = read_text("/proc/net/if_inet6");
    const UniqueFd any_socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    if (!routes4 || !routes6 || !inet6 || !any_socket) return failure(last_error());
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) return failure(last_error());
    const std::unique_ptr<ifaddrs, FreeInterfaces> owner{list};

    const auto defaults = default_route_interfaces(*routes4, *routes6);
    const auto flags6 = ipv6_flags(*inet6);
    std::vector<InterfaceAddress> out;
    for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
        const auto endpoint = endpoint_from(at->ifa_addr);
        if (!endpoint) continue;
        InterfaceAddress& address = out.emplace_back();
        address.interface_name = at->ifa_name;
        address.ip = endpoint->ip;
        address.prefix_length = prefix_length_of(at->ifa_netmask);
        address.mtu = mtu_of(any_socket.get(), at->ifa_name);
        address.up = (at->ifa_flags & IFF_UP) != 0 && (at->ifa_flags & IFF_RUNNING) != 0;
        address.loopback = (at->ifa_flags & IFF_LOOPBACK) != 0;
        address.point_to_point = (at->ifa_flags & IFF_POINTOPOINT) != 0;
        address.holds_default_route = defaults.contains(address.interface_name);
        const auto found = flags6.find(flags_key(address.interface_name, address.ip));
        const unsigned flags = found == flags6.end() ? 0 : found->second;
        address.deprecated = (flags & IFA_F_DEPRECATED) != 0;
        address.tentative = (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) != 0;
        address.temporary = (flags & IFA_F_TEMPORARY) != 0;
    }
    return out;
}

std::vector<LocalAddress> list_local_addresses() {
    const auto read = read_interface_addresses();
    if (!read) throw std::system_error(read.error(), "cannot list local addresses");
    return usable_addresses(*read);
}

}  // namespace pinhole::net
