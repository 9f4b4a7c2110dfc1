#include "tests/lab/chatter.hpp"

#include <charconv>
#include <map>
#include <set>

#include <fmt/format.h>

namespace pinhole::lab {
namespace {

struct Label {
    std::size_t process = 0;
    std::size_t connection = 0;

    friend auto operator<=>(const Label&, const Label&) = default;
};

struct Message {
    Label label;
    std::size_t number = 0;
};

std::optional<Message> read(std::string_view text) {
    Message message;
    for (std::size_t* field :
         {&message.label.process, &message.label.connection, &message.number}) {
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *field);
        if (error != std::errc{}) return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        if (text.starts_with(' ')) text.remove_prefix(1);
    }
    return message;
}

}  // namespace

Chatter::Chatter(Town& town, Peer& from, Peer& to, Duration interval)
    : town_(town), from_(from), to_(to), interval_(interval) {}

void Chatter::start() {
    is_talking_ = true;
    if (!is_planned_) speak();
}

void Chatter::speak() {
    is_planned_ = is_talking_;
    if (!is_talking_) return;
    town_.lab().after(interval_, [this] { speak(); });
    if (!from_.is_connected_to(to_)) return;
    const std::size_t connection = from_.connections_with(to_.id());
    if (connection != connection_ || from_.processes() != process_) {
        connection_ = connection;
        process_ = from_.processes();
        number_ = 0;
    }
    if (!town_.send(from_, to_, fmt::format("{} {} {}", process_, connection_, number_))) return;
    ++number_;
    ++said_;
}

bool Chatter::is_heard() const {
    const auto& received = to_.received();
    const auto last = std::find_if(received.rbegin(), received.rend(),
                                   [&](const auto& one) { return one.from == from_.id(); });
    if (last == received.rend()) return false;
    const auto message = read(last->text);
    return message && message->label == Label{process_, connection_} &&
           message->number + 1 == number_;
}

Duration Chatter::longest_silence(Instant since) const {
    Duration longest{};
    const Peer::Received* previous = nullptr;
    for (const Peer::Received& one : to_.received()) {
        if (one.from != from_.id() || one.at < since) continue;
        if (previous != nullptr && previous->connection == one.connection) {
            longest = std::max(longest, one.at - previous->at);
        }
        previous = &one;
    }
    return longest;
}

std::string flaw_in(const Peer& to, const Peer& from) {
    struct Run {
        Label label;
        std::size_t heard = 0;
    };
    std::map<std::size_t, Run> runs;
    std::set<Label> labels;
    for (const Peer::Received& one : to.received()) {
        if (one.from != from.id()) continue;
        const auto message = read(one.text);
        if (!message) return fmt::format("{} heard '{}'", to.id(), one.text);
        const auto [run, is_new] = runs.try_emplace(one.connection, Run{.label = message->label});
        const auto place = fmt::format("{} heard '{}' as number {} of its connection {}", to.id(),
                                       one.text, run->second.heard, one.connection);
        if (is_new && !labels.insert(message->label).second) {
            return place + ", which belongs to an earlier one";
        }
        if (message->label != run->second.label) return place + ": of another connection";
        if (message->number != run->second.heard) return place + ": out of order";
        ++run->second.heard;
    }
    return {};
}

void vary_delays(Town& town, std::initializer_list<Peer*> peers) {
    const auto random = town.lab().random("delays");
    for (Peer* peer : peers) {
        const Duration delay = 5ms + Duration{random->below(40'000)};
        peer->host().cable().set_quality({.delay = delay, .jitter = 2ms});
    }
}

Talk::Talk(Town& town, Peer& one, Peer& other, Duration interval)
    : a(one), b(other), there(town, one, other, interval), back(town, other, one, interval) {}

void Talk::start() {
    there.start();
    back.start();
}

void Talk::stop() {
    there.stop();
    back.stop();
}

std::string Talk::flaw() const {
    return flaw_in(b, a) + flaw_in(a, b);
}

}  // namespace pinhole::lab
