#include "shared/net/upnp_device.hpp"

#include <array>
#include <string>

#include <fmt/format.h>
#include <miniupnpc/miniupnpc.h>
#include <miniupnpc/upnpcommands.h>

namespace pinhole::net {
namespace {

/// How long devices have to answer the search; the library waits it out.
constexpr Duration kSearchTime = 1s;
/// RFC 6970 names 2; more would leave the house.
constexpr unsigned char kSearchHops = 2;
/// Ports that are tried when one is taken.
constexpr std::uint16_t kPortsTried = 8;
/// What a user sees in the list of the router.
constexpr const char* kDescription = "Pinhole";
constexpr const char* kUdp = "UDP";

/// Error codes of AddPortMapping (WANIPConnection:1, 2.4.16).
constexpr int kConflict = 718;
constexpr int kOnlyPermanent = 725;

struct FreeDevices {
    void operator()(UPNPDev* list) const { freeUPNPDevlist(list); }
};

/// Answers of UPNP_GetValidIGD that mean a gateway, connected or not; what it has for an address is
/// asked later. The other ones are no device at all, and one of another kind.
bool is_gateway(int answer) {
#if MINIUPNPC_API_VERSION >= 18
    return answer >= 1 && answer <= 3;
#else
    return answer == 1 || answer == 2;
#endif
}

}  // namespace

/// The device, and for which of our gateways it was found.
struct UpnpDevice::Found {
    Gateway gateway;
    UPNPUrls urls{};
    IGDdatas data{};
    /// Our own address as the device's part of the network knows it.
    std::array<char, 64> local{};

    Found() = default;
    Found(const Found&) = delete;
    Found& operator=(const Found&) = delete;
    ~Found() { FreeUPNPUrls(&urls); }

    [[nodiscard]] const char* control() const { return urls.controlURL; }
    [[nodiscard]] const char* service() const { return data.first.servicetype; }
};

UpnpDevice::UpnpDevice() = default;
UpnpDevice::~UpnpDevice() = default;

MappingOutcome UpnpDevice::ask(const MappingWish& wish) {
    const bool is_known = found_ && found_->gateway == wish.gateway;
    if (!is_known && !discover(wish.gateway)) return failure(MappingFailure{});
    if (wish.lifetime == Duration{0}) return remove(wish.external.value_or(Endpoint{}));
    const MappingOutcome outcome = map(wish);
    // It may be gone, or somewhere else: the next question looks again.
    if (!outcome) found_.reset();
    return outcome;
}

bool UpnpDevice::discover(const Gateway& gateway) {
    found_.reset();
    const auto search_ms = static_cast<int>(kSearchTime / 1ms);
    const std::string interface_address = gateway.local.to_string();
    int error = 0;
    const std::unique_ptr<UPNPDev, FreeDevices> devices{
        upnpDiscover(search_ms, interface_address.c_str(), nullptr, UPNP_LOCAL_PORT_ANY, 0,
                     kSearchHops, &error)};
    if (!devices) return false;
    auto found = std::make_unique<Found>();
    found->gateway = gateway;
    const auto local_size = static_cast<int>(found->local.size());
#if MINIUPNPC_API_VERSION >= 18
    std::array<char, 64> wan{};
    const int answer =
        UPNP_GetValidIGD(devices.get(), &found->urls, &found->data, found->local.data(), local_size,
                         wan.data(), static_cast<int>(wan.size()));
#else
    const int answer = UPNP_GetValidIGD(devices.get(), &found->urls, &found->data,
                                        found->local.data(), local_size);
#endif
    if (!is_gateway(answer) || found->control() == nullptr) return false;
    found_ = std::move(found);
    return true;
}

MappingOutcome UpnpDevice::map(const MappingWish& wish) const {
    std::array<char, 64> text{};
    if (UPNP_GetExternalIPAddress(found_->control(), found_->service(), text.data()) !=
        UPNPCOMMAND_SUCCESS) {
        return failure(MappingFailure{.why = MappingRefusal::kNoPublicAddress});
    }
    const auto ip = IpAddress::parse(text.data());
    if (!ip || ip->scope() != Scope::kPublic) {
        const auto told = ip ? std::optional{Endpoint{*ip, 0}} : std::nullopt;
        return failure(MappingFailure{MappingRefusal::kNoPublicAddress, told});
    }
    return add(wish, *ip);
}

MappingOutcome UpnpDevice::add(const MappingWish& wish, const IpAddress& ip) const {
    const auto wanted_s = std::chrono::ceil<std::chrono::seconds>(wish.lifetime).count();
    const std::string inside = fmt::to_string(wish.internal_port);
    std::uint16_t port = wish.external ? wish.external->port : wish.internal_port;
    bool is_permanent = false;
    for (std::uint16_t tried = 0; tried < kPortsTried;) {
        const std::string outside = fmt::to_string(port);
        const std::string lease = fmt::to_string(is_permanent ? 0 : wanted_s);
        const int answer = UPNP_AddPortMapping(
            found_->control(), found_->service(), outside.c_str(), inside.c_str(),
            found_->local.data(), kDescription, kUdp, nullptr, lease.c_str());
        if (answer == UPNPCOMMAND_SUCCESS) {
            return MappingGrant{.external = {ip, port}, .lifetime = wish.lifetime};
        }
        if (answer == kOnlyPermanent && !is_permanent) {
            is_permanent = true;  // until it is removed, or the device restarts
        } else if (answer == kConflict) {
            ++tried;
            port = port < 65535 ? static_cast<std::uint16_t>(port + 1) : std::uint16_t{1024};
        } else {
            break;
        }
    }
    return failure(MappingFailure{.why = MappingRefusal::kRefused});
}

MappingOutcome UpnpDevice::remove(const Endpoint& external) const {
    const std::string outside = fmt::to_string(external.port);
    UPNP_DeletePortMapping(found_->control(), found_->service(), outside.c_str(), kUdp, nullptr);
    return MappingGrant{.external = external};
}

}  // namespace pinhole::net
