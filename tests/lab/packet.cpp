#include "tests/lab/packet.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace pinhole::lab {
namespace {

[[noreturn]] void reject(std::string_view text) {
    throw std::invalid_argument(fmt::format("not an address: \"{}\"", text));
}

}  // namespace

Packet icmp_error(IcmpError::Kind kind, const Packet& about, std::size_t mtu) {
    IcmpQuote quote{.kind = kind,
                    .source = about.source,
                    .destination = about.destination,
                    .mtu = mtu,
                    .payload_size = about.payload.size()};
    std::copy_n(about.payload.begin(), std::min(about.payload.size(), quote.payload_start.size()),
                quote.payload_start.begin());
    return {.source = {IpAddress::any(about.source.ip.family()), 0},
            .destination = {about.source.ip, 0},
            .payload = {},
            .icmp = quote,
            .transport = about.transport};
}

IpAddress ip(std::string_view text) {
    const auto parsed = IpAddress::parse(text);
    if (!parsed) reject(text);
    return *parsed;
}

Endpoint endpoint(std::string_view text) {
    const auto parsed = Endpoint::parse(text);
    if (!parsed) reject(text);
    return *parsed;
}

Prefix prefix(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) reject(text);
    const std::string_view digits = text.substr(slash + 1);
    Prefix out{ip(text.substr(0, slash)), 0};
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), out.length);
    const bool is_number = error == std::errc{} && end == digits.data() + digits.size();
    if (!is_number || out.length > (out.ip.is_v4() ? 32U : 128U)) reject(text);
    return out;
}

}  // namespace pinhole::lab
