#include "shared/net/default_gateway.hpp"

#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include <net/route.h>
#include <netinet/in.h>

#include "shared/net/sockaddr.hpp"
#include "shared/net/unique_fd.hpp"

namespace pinhole::net {
namespace {

/// Any port: connecting a UDP socket sends nothing.
constexpr std::uint16_t kDiscardPort = 9;

unsigned long number(const std::string& text, int base) {
    return std::strtoul(text.c_str(), nullptr, base);
}

/// The source address that the system would use towards `remote`.
std::optional<IpAddress> local_address_towards(const IpAddress& remote) {
    const UniqueFd probe{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const SocketAddress to = SocketAddress::from({remote, kDiscardPort});
    if (!probe || ::connect(probe.get(), to.get(), to.size) != 0) return {};
    SocketAddress own;
    own.size = sizeof own.storage;
    auto* const raw = reinterpret_cast<sockaddr*>(&own.storage);
    if (::getsockname(probe.get(), raw, &own.size) != 0) return {};
    const auto local = endpoint_from(raw);
    return local ? std::optional{local->ip} : std::nullopt;
}

}  // namespace

std::optional<IpAddress> default_gateway(std::string_view ipv4_routes) {
    constexpr unsigned long kWanted = RTF_UP | RTF_GATEWAY;
    std::optional<IpAddress> best;
    unsigned long best_metric = std::numeric_limits<unsigned long>::max();
    std::istringstream lines{std::string{ipv4_routes}};
    for (std::string line; std::getline(lines, line);) {
        // interface, destination, gateway, flags, reference count, use, metric, mask, ...
        std::istringstream stream{line};
        const std::vector<std::string> words{std::istream_iterator<std::string>{stream}, {}};
        if (words.size() < 8 || words[1] != "00000000" || words[7] != "00000000") continue;
        if ((number(words[3], 16) & (kWanted | RTF_REJECT)) != kWanted) continue;
        const unsigned long metric = number(words[6], 10);
        if (best && metric >= best_metric) continue;
        // The kernel prints the four bytes of the address as one number of the machine's order.
        best = IpAddress::v4(ntohl(static_cast<std::uint32_t>(number(words[2], 16))));
        best_metric = metric;
    }
    return best;
}

std::optional<Gateway> read_default_gateway() {
    std::ifstream file{"/proc/net/route"};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    const auto ip = default_gateway(text);
    const auto local = ip ? local_address_towards(*ip) : std::nullopt;
    if (!local) return {};
    return Gateway{*ip, *local};
}

}  // namespace pinhole::net
