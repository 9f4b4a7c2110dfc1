#include "peer/forward/forward.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <sys/resource.h>

#include "peer/forward/reverse.hpp"
#include "peer/text_sanitizer.hpp"

namespace pinhole::peer {
namespace {

constexpr Duration kTickInterval = 1s;

/// A connection costs a descriptor, and the usual limit is lower than ours.
void lift_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

Forward::Forward(Station& station, const ForwardOptions& options)
    : station_(station),
      options_(options),
      resolver_(station.io()),
      tcp_(station.streams(), ServiceKind::kTcp,
           [this](const StreamName& stream, std::string_view argument) {
               exit_.on_opened(Transport::kTcp, stream, argument);
           }),
      udp_(station.streams(), ServiceKind::kUdp,
           [this](const StreamName& stream, std::string_view argument) {
               exit_.on_opened(Transport::kUdp, stream, argument);
           }),
      reverses_(station.streams(), ServiceKind::kReverse,
                [this](const StreamName& stream, std::string_view argument) {
                    answer_reverse(desk_, reverses_, options_.allow_bind, stream, argument);
                }),
      desk_({.io = station.io(),
             .screen = station.screen(),
             .narrator = station.narrator(),
             .json = station.options().json,
             .now = [&station] { return station.now(); },
             .is_connected = [&station](const Id& peer) { return station.is_connected(peer); },
             .settle = [&station] { station.settle(); }},
            tcp_, udp_),
      exit_(desk_, resolver_, options.allow,
            [this](const Id& peer, Transport transport, const net::HostPort& target) {
                return is_reversed(peer, transport, target);
            }) {}

void Forward::on_start() {
    lift_descriptor_limit();
    for (const ForwardSpec& spec : options_.local) {
        auto entrance = Entrance::open(desk_, *options_.peer, spec, spec.endpoints());
        if (!entrance) {
            return station_.fail(
                {ExitCode::kOther, fmt::format("{}\n  choose another port: --local "
                                               "PORT:{}",
                                               entrance.error(), text_of(spec.target))});
        }
        entrances_.push_back(std::move(*entrance));
        desk_.listening(*options_.peer, spec, true);
    }
    if (options_.peer) station_.connect(*options_.peer, true);
}

// ---- the peer

void Forward::on_connected(const Id& peer) {
    station_.send(peer, Hello{.takes_texts = false});
    if (options_.peer != peer) return;
    for (const ForwardSpec& spec : options_.reverse) ask_for(spec);
    for (const auto& entrance : entrances_) entrance->on_connected();
}

void Forward::ask_for(const ForwardSpec& spec) {
    reverses_.open(
        *options_.peer, spec.to_string(),
        std::make_shared<ReverseQuestion>(ReverseQuestion::Callbacks{
            .on_accepted =
                [this, &spec] {
                    was_reversed_ = true;
                    desk_.listening(*options_.peer, spec, false);
                },
            .on_refused = [this, &spec](std::string_view text) { on_reverse_refused(spec, text); },
        }));
}

void Forward::on_reverse_refused(const ForwardSpec& spec, std::string_view text) {
    const std::string words = fmt::format("{} does not listen on {}: {}", *options_.peer,
                                          spec.entrance(), sanitized(text));
    // What once was granted may be so again: the next connection asks again.
    if (was_reversed_) return station_.narrator().warn(words);
    station_.fail(
        {ExitCode::kRefused,
         fmt::format("{}\n  on its machine run: peer forward --allow-bind {} --id {} --via {}",
                     words, spec.endpoints().front().to_string(), *options_.peer,
                     station_.options().via)});
}

bool Forward::is_reversed(const Id& peer, Transport transport, const net::HostPort& target) const {
    return options_.peer == peer &&
           std::ranges::any_of(options_.reverse, [&](const ForwardSpec& spec) {
               return spec.transport == transport && spec.target.host == target.host &&
                      spec.target.port == target.port;
           });
}

void Forward::on_closed(const Id& peer, node::CloseReason reason) {
    if (options_.peer != peer || reason == node::CloseReason::kPeerRestarted) return;
    station_.connect(peer, true);
}

void Forward::on_connect_failed(const node::ConnectFailed& event) {
    if (options_.peer == event.id) station_.wait_or_fail(event);
}

void Forward::on_key_changed(const Id& peer, const Problem& problem) {
    if (options_.peer == peer && !station_.is_connected(peer)) return station_.fail(problem);
    station_.narrator().warn(problem.text);
}

void Forward::on_server_trouble(const Problem& problem) {
    station_.fail_if_refused(problem);
}

// ---- time and the end

void Forward::handle_timeout(Instant now) {
    if (now < tick_at_) return;
    tick_at_ = now + kTickInterval;
    udp_.stop_old(now);
    for (const auto& entrance : entrances_) entrance->handle_timeout(now);
}

Instant Forward::next_timeout() const {
    const bool can_grow_old =
        udp_.size() > 0 || std::ranges::any_of(entrances_, [](const auto& entrance) {
            return entrance->has_waiting();
        });
    return can_grow_old ? tick_at_ : kNever;
}

void Forward::on_leaving() {
    resolver_.cancel();
    for (const auto& entrance : entrances_) entrance->close();
    for (Links* links : {&reverses_, &tcp_, &udp_}) links->stop_all();
}

ExitCode run_forward(const ForwardOptions& options, const net::Environment& environment) {
    Station station{options.station, !options.peer, environment};
    Forward forward{station, options};
    return station.run(forward);
}

}  // namespace pinhole::peer
