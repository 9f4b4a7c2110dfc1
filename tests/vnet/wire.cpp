#include "tests/vnet/wire.hpp"

#include <cerrno>
#include <cstdio>
#include <memory>
#include <system_error>

#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace pinhole::vnet {
namespace {

/// The inner end of every veth pair. Locally administered (IEEE 802); nobody asks for it, since
/// ARP is off, but a packet must be addressed to it.
constexpr std::array<std::uint8_t, ETH_ALEN> kInnerMac{0x02, 0, 0, 0, 0, 1};
constexpr std::string_view kInnerMacText = "02:00:00:00:00:01";

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::generic_category(), what);
}

net::UniqueFd open_or_fail(const std::string& path, int flags) {
    net::UniqueFd fd{::open(path.c_str(), flags | O_CLOEXEC)};
    if (!fd) fail(path);
    return fd;
}

/// Puts this thread into another network namespace, and back at the end.
class NetnsVisit {
  public:
    explicit NetnsVisit(const std::string& name)
        : home_(open_or_fail("/proc/self/ns/net", O_RDONLY)) {
        const net::UniqueFd there = open_or_fail("/run/netns/" + name, O_RDONLY);
        if (::setns(there.get(), CLONE_NEWNET) != 0) fail("enter namespace " + name);
    }
    NetnsVisit(const NetnsVisit&) = delete;
    NetnsVisit& operator=(const NetnsVisit&) = delete;
    ~NetnsVisit() { ::setns(home_.get(), CLONE_NEWNET); }

  private:
    net::UniqueFd home_;
};

net::UniqueFd open_tun(const WirePlan& plan) {
    const NetnsVisit visit{plan.netns};
    net::UniqueFd fd{::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK)};
    if (!fd) {
        throw WireRefused(
            fmt::format("/dev/net/tun cannot be opened ({}): run as root, or load "
                        "the module tun",
                        std::generic_category().message(errno)));
    }
    ifreq request{};
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    plan.name.copy(static_cast<char*>(request.ifr_name), IFNAMSIZ - 1);
    if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) {
        if (errno == EPERM) throw WireRefused("making a TUN device is not permitted here");
        fail("make " + plan.name);
    }
    return fd;
}

/// The lines for `ip -batch` that give the interface its looks.
std::string batch_of(const WirePlan& plan) {
    // A queue that holds a whole burst of a sender: the loss is ours to model.
    std::string out = fmt::format("link set dev {} txqueuelen 10000 up\n", plan.name);
    if (plan.mtu != 0) out += fmt::format("link set dev {} mtu {}\n", plan.name, plan.mtu);
    for (const lab::Prefix& address : plan.addresses) {
        out += fmt::format("address add {}/{} dev {}{}\n", address.ip, address.length, plan.name,
                           address.ip.is_v6() ? " nodad" : "");
    }
    for (const IpAddress& gateway : plan.gateways) {
        const std::string via =
            gateway.is_unspecified() ? std::string{} : fmt::format(" via {}", gateway);
        out += fmt::format("route add {}{} dev {} metric {}\n",
                           gateway.is_v4() ? "0.0.0.0/0" : "::/0", via, plan.name, plan.metric);
    }
    return out;
}

/// `where` is empty or "-n NETNS".
void run_batch(const std::string& where, const std::string& lines) {
    const std::string command = fmt::format("ip {} -batch -", where);
    // Of our own making: names of checked letters only.
    std::FILE* pipe = ::popen(command.c_str(), "we");  // NOLINT(cert-env33-c)
    if (pipe == nullptr) fail(command);
    std::fwrite(lines.data(), 1, lines.size(), pipe);
    if (::pclose(pipe) != 0) {
        throw std::runtime_error(fmt::format("{} did not accept:\n{}", command, lines));
    }
}

/// One segment at a time, so that the kernel cuts its large ones up before they reach us; and no
/// ARP, which nobody would answer.
void make_veth(const WirePlan& plan) {
    run_batch("",
              fmt::format("link add name {} type veth peer name {} address {} netns {}\n"
                          "link set dev {} up\n",
                          plan.outer_name, plan.name, kInnerMacText, plan.netns, plan.outer_name));
    run_batch("-n " + plan.netns,
              fmt::format("link set dev {} arp off gso_max_segs 1\n", plan.name));
}

sockaddr_ll packet_address(unsigned index, std::uint16_t protocol) {
    sockaddr_ll out{};
    out.sll_family = AF_PACKET;
    out.sll_ifindex = static_cast<int>(index);
    out.sll_protocol = htons(protocol);
    out.sll_halen = ETH_ALEN;
    std::ranges::copy(kInnerMac, static_cast<std::uint8_t*>(out.sll_addr));
    return out;
}

net::UniqueFd open_packet_socket(unsigned index) {
    net::UniqueFd fd{::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!fd) {
        throw WireRefused(fmt::format("neither TUN devices nor packet sockets can be had here ({})",
                                      std::generic_category().message(errno)));
    }
    // What we send ourselves would come back.
    const int on = 1;
    ::setsockopt(fd.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on);
    const sockaddr_ll address = packet_address(index, ETH_P_ALL);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        fail("bind a packet socket");
    }
    return fd;
}

}  // namespace

Wire::Wire(WireKind kind, const WirePlan& plan) {
    switch (kind) {
        case WireKind::kTun: fd_ = open_tun(plan); break;
        case WireKind::kVeth:
            make_veth(plan);
            outer_index_ = ::if_nametoindex(plan.outer_name.c_str());
            fd_ = open_packet_socket(outer_index_);
            break;
    }
    run_batch("-n " + plan.netns, batch_of(plan));
}

Bytes Wire::read(MutableBytes storage) const {
    const ssize_t size = ::read(fd_.get(), storage.data(), storage.size());
    return size <= 0 ? Bytes{} : Bytes{storage.first(static_cast<std::size_t>(size))};
}

void Wire::write(Bytes packet) const {
    // Nothing to do about an error: to the machine this is a lost packet.
    if (outer_index_ == 0) {
        [[maybe_unused]] const ssize_t size = ::write(fd_.get(), packet.data(), packet.size());
        return;
    }
    const bool is_v4 = (std::to_integer<unsigned>(packet[0]) >> 4U) == 4;
    const sockaddr_ll to = packet_address(outer_index_, is_v4 ? ETH_P_IP : ETH_P_IPV6);
    ::sendto(fd_.get(), packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to),
             sizeof to);
}

WireKind usable_kind() {
    const net::UniqueFd device{::open("/dev/net/tun", O_RDWR | O_CLOEXEC)};
    return device ? WireKind::kTun : WireKind::kVeth;
}

}  // namespace pinhole::vnet
