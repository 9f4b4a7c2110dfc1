#include "peer/chat_files.hpp"

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "peer/text_sanitizer.hpp"

namespace pinhole::peer {
namespace {

/// Transfers to others at a time; each may hold a chunk in memory.
constexpr std::size_t kOutgoingMax = 16;

}  // namespace

ChatFiles::ChatFiles(Station& station, const std::optional<std::filesystem::path>& into,
                     const net::Environment& environment)
    : station_(station),
      environment_(environment),
      is_taking_unasked_(into.has_value()),
      incoming_(station,
                {.conflict = files::ConflictPolicy::kRename, .telling = files::Telling::kBrief},
                {.judge = [this](const Id&) { return judge(); },
                 .on_offered = [this](const files::WaitingOffer& offer) { on_offered(offer); },
                 .on_began = [this] { show_.begin(station_.now()); },
                 .on_ended = [this](auto) { on_over(); }}),
      outgoing_(station, files::Telling::kBrief,
                {.on_taken = [this](auto) { show_.begin(station_.now()); },
                 .on_ended =
                     [this](auto, auto failed) {
                         has_failed_ |= failed > 0;
                         on_over();
                     },
                 .on_failed =
                     [this](auto number, const Problem& problem) {
                         has_failed_ = true;
                         station_.narrator().warn(fmt::format(
                             "{}: not sent: {}", outgoing_.title(number), problem.text));
                         on_over();
                     }}),
      show_(station, [this](Instant now) {
          auto states = incoming_.states(now);
          std::ranges::move(outgoing_.states(now), std::back_inserter(states));
          return states;
      }) {
    if (into) target_.emplace(*into);
}

void ChatFiles::on_start(std::function<void()> on_idle) {
    on_idle_ = std::move(on_idle);
    incoming_.serve();
}

void ChatFiles::on_prompt() {
    has_prompt_ = true;
    show_.on_prompt();
}

bool ChatFiles::is_busy() const {
    return incoming_.size() + incoming_.waiting().size() + outgoing_.size() > 0;
}

void ChatFiles::on_over() {
    if (!station_.is_leaving()) on_idle_();
}

// ---- what others offer

ChatFiles::Incoming::Judgement ChatFiles::judge() {
    if (has_prompt_) return Incoming::Ask{};
    if (!is_taking_unasked_) {
        return Incoming::No{Refusal::kNoSuchService, "nobody takes files here; peer receive does"};
    }
    try {
        return destination();
    } catch (const std::exception& error) {
        station_.narrator().warn(error.what());
        return Incoming::No{Refusal::kFailed, "there is no place for files"};
    }
}

ChatFiles::Incoming::Destination ChatFiles::destination() {
    if (!target_) target_.emplace(".");
    if (!partials_) {
        partials_.emplace(net::state_directory(environment_), station_.random());
        incoming_.prune(*partials_);
    }
    return {.target = *target_, .partials = *partials_};
}

void ChatFiles::on_offered(const files::WaitingOffer& offer) {
    // Heard even when quiet: it waits for an answer.
    station_.narrator().warn(fmt::format("{} offers {}: /take, or /refuse", offer.stream.peer,
                                         files::offer_words(offer.announcement)));
}

const files::WaitingOffer* ChatFiles::waiting(const std::optional<Id>& peer) {
    const auto& all = incoming_.waiting();
    const auto found = std::ranges::find_if(
        all, [&](const files::WaitingOffer& offer) { return !peer || offer.stream.peer == *peer; });
    if (found != all.end()) return &*found;
    station_.narrator().warn(peer ? fmt::format("{} offers nothing now", *peer)
                                  : std::string{"nobody offers anything now"});
    return nullptr;
}

void ChatFiles::obey(const TakeFiles& take) {
    const files::WaitingOffer* const offer = waiting(take.peer);
    if (offer == nullptr) return;
    try {
        incoming_.take(StreamName{offer->stream}, destination());
    } catch (const std::exception& error) {
        station_.narrator().warn(fmt::format("not taken: {}", error.what()));
    }
}

void ChatFiles::obey(const RefuseFiles& refuse) {
    const files::WaitingOffer* const offer = waiting(refuse.peer);
    if (offer == nullptr) return;
    incoming_.refuse(StreamName{offer->stream}, "not wanted there");
    on_over();
}

// ---- what we send

std::optional<Id> ChatFiles::receiver(const std::optional<Id>& named) {
    if (named && station_.is_connected(*named)) return named;
    if (named) {
        station_.narrator().warn(
            fmt::format("{0} is not connected, so nothing was sent; /connect {0}", *named));
        return std::nullopt;
    }
    std::vector<Id> connected;
    for (const auto& peer : station_.peers()) {
        if (station_.is_connected(peer.id)) connected.push_back(peer.id);
    }
    if (connected.size() == 1) return connected.front();
    station_.narrator().warn(connected.empty()
                                 ? "nobody is connected, so nothing was sent; /connect NAME"
                                 : "to whom? /send PATH NAME");
    return std::nullopt;
}

/// As a shell would have it.
std::string ChatFiles::path_of(const std::string& word) const {
    const auto home = environment_("HOME");
    const bool is_at_home = word == "~" || word.starts_with("~/");
    return is_at_home && home ? *home + word.substr(1) : word;
}

void ChatFiles::obey(const SendFiles& send) {
    const auto peer = receiver(send.peer);
    if (!peer) return;
    if (outgoing_.size() >= kOutgoingMax) {
        return station_.narrator().warn(
            "too much is being sent already, so this was not; /cancel gives up the last");
    }
    try {
        files::SourceTree source{{path_of(send.path)}};
        if (source.entries().empty()) {
            return station_.narrator().warn(
                fmt::format("there is nothing to send in {}", sanitized(send.path)));
        }
        outgoing_.add(*peer, std::move(source));
    } catch (const std::exception& error) {
        station_.narrator().warn(error.what());
    }
}

void ChatFiles::obey(const CancelFiles& cancel) {
    const auto numbers = outgoing_.numbers(cancel.peer);
    if (!numbers.empty()) {
        static_cast<void>(fail(numbers.back(), "you gave it up"));
        return;
    }
    station_.narrator().warn(cancel.peer ? fmt::format("nothing is being sent to {}", *cancel.peer)
                                         : std::string{"nothing is being sent"});
}

void ChatFiles::on_closed(const Id& peer, node::CloseReason reason) {
    if (reason == node::CloseReason::kPeerRestarted) return;
    if (reason != node::CloseReason::kDone) return on_path_lost(peer);
    for (const auto number : outgoing_.numbers(peer)) {
        has_failed_ |= fail(number, fmt::format("{} has left", peer));
    }
}

void ChatFiles::on_path_lost(const Id& peer) {
    for (const auto number : outgoing_.numbers(peer)) {
        station_.narrator().say(fmt::format("{}: cut; goes on when {} is back, or /cancel",
                                            outgoing_.title(number), peer));
    }
}

void ChatFiles::on_given_up(const Id& peer) {
    for (const auto number : outgoing_.numbers(peer)) {
        has_failed_ |= fail(number, fmt::format("{} is gone", peer));
    }
}

bool ChatFiles::fail(files::OutgoingFiles::Number number, std::string_view why) {
    const std::string title = outgoing_.title(number);
    if (!outgoing_.give_up(number)) return false;
    station_.narrator().warn(fmt::format("{}: not sent: {}", title, why));
    on_over();
    return true;
}

// ---- time and the end

void ChatFiles::on_leaving() {
    incoming_.tell_unfinished();
    for (const auto number : outgoing_.numbers()) {
        station_.narrator().warn(
            fmt::format("{}: not all of it is confirmed; sent again, it goes on where it ended",
                        outgoing_.title(number)));
    }
}

void ChatFiles::handle_timeout(Instant now) {
    outgoing_.handle_timeout(now);
    show_.handle_timeout(now);
}

Instant ChatFiles::next_timeout() const {
    return std::min(outgoing_.next_timeout(), show_.next_timeout());
}

}  // namespace pinhole::peer
