#include "peer/receive.hpp"

#include <utility>

#include <fmt/format.h>

#include "peer/text_sanitizer.hpp"

namespace pinhole::peer {

using files::IncomingFiles;

Receive::Receive(Station& station, const ReceiveOptions& options,
                 const IncomingFiles::Destination& where)
    : station_(station),
      options_(options),
      where_(where),
      files_(station, {.conflict = options.conflict, .takes_hidden = options.hidden},
             {.judge = [this](const Id& peer) { return judge(peer); },
              .on_began = [this] { show_.begin(station_.now()); },
              .on_ended = [this](std::optional<std::uint64_t> failed) { on_ended(failed); }}),
      show_(station, [this](Instant now) { return files_.states(now); }) {}

void Receive::on_start() {
    files_.serve();
    files_.prune(where_.partials);
    std::string whose = options_.from.empty() ? "of everybody who calls" : "";
    for (const Id& id : options_.from)
        whose += fmt::format("{}{}", whose.empty() ? "of " : ", ", id);
    station_.narrator().say(fmt::format(
        "files {} go to {}\n  on another machine run: peer send --id NAME --via {} FILE {}", whose,
        sanitized(where_.target.path()), station_.options().via, station_.options().id));
}

void Receive::on_connected(const Id& peer) {
    station_.send(peer, Hello{.takes_texts = false});
}

void Receive::on_key_changed(const Id& /*peer*/, const Problem& problem) {
    station_.narrator().warn(problem.text);
}

void Receive::on_server_trouble(const Problem& problem) {
    station_.fail_if_refused(problem);
}

IncomingFiles::Judgement Receive::judge(const Id& peer) const {
    if (!options_.from.empty() && !options_.from.contains(peer)) {
        return IncomingFiles::No{Refusal::kNotAllowed, "files of others only"};
    }
    if (options_.once && files_.size() > 0) {
        return IncomingFiles::No{Refusal::kBusy, "other files are being received; try again later"};
    }
    return where_;
}

void Receive::on_ended(std::optional<std::uint64_t> failed) {
    if (!options_.once || !failed) return;
    station_.leave(*failed == 0 ? ExitCode::kOk : ExitCode::kOther);
}

void Receive::on_leaving() {
    files_.tell_unfinished();
}

void Receive::handle_timeout(Instant now) {
    show_.handle_timeout(now);
}

Instant Receive::next_timeout() const {
    return show_.next_timeout();
}

ExitCode run_receive(const ReceiveOptions& options, const net::Environment& environment) {
    files::TargetDirectory target{options.directory};
    crypto::SystemRandom random;
    files::PartialStore partials{net::state_directory(environment), random};
    Station station{options.station, false, environment};
    Receive receive{station, options, {.target = target, .partials = partials}};
    return station.run(receive);
}

}  // namespace pinhole::peer
