#include "shared/traversal/questions.hpp"

#include <algorithm>

namespace pinhole::traversal {

void Questions::ask(Instant now, const Question& question) {
    open_.push_back(question);
    send(now, open_.back());
}

std::optional<Question> Questions::take(const Path& path, const wire::TransactionId& transaction) {
    const auto found = std::ranges::find_if(open_, [&](const Question& question) {
        return question.request.transaction == transaction && question.answered == path;
    });
    if (found == open_.end()) return std::nullopt;
    const Question out = *found;
    open_.erase(found);
    return out;
}

std::optional<Question> Questions::take_hairpin(SocketId socket,
                                                const wire::TransactionId& transaction) {
    const auto found = std::ranges::find_if(open_, [&](const Question& question) {
        return question.topic == Topic::kHairpin && question.answered.socket == socket &&
               question.request.transaction == transaction;
    });
    if (found == open_.end()) return std::nullopt;
    const Question out = *found;
    open_.erase(found);
    return out;
}

void Questions::forget(Topic topic) {
    std::erase_if(open_, [topic](const Question& question) { return question.topic == topic; });
}

void Questions::handle_timeout(Instant now) {
    for (Question& question : open_) {
        if (question.due > now) continue;
        if (question.tries < question.tries_max) {
            send(now, question);
        } else {
            failed_.push_back(question);
        }
    }
    std::erase_if(open_, [now](const Question& question) { return question.due <= now; });
}

std::optional<Question> Questions::take_failed() {
    if (failed_.empty()) return std::nullopt;
    const Question out = failed_.front();
    failed_.pop_front();
    return out;
}

std::optional<DiscoveryTransmit> Questions::poll_transmit() {
    if (transmits_.empty()) return std::nullopt;
    const DiscoveryTransmit out = transmits_.front();
    transmits_.pop_front();
    return out;
}

Instant Questions::next_timeout() const {
    if (!failed_.empty()) return Instant::min();
    const auto soonest = std::ranges::min_element(open_, {}, &Question::due);
    return soonest == open_.end() ? kNever : soonest->due;
}

void Questions::clear() {
    open_.clear();
    failed_.clear();
    transmits_.clear();
}

void Questions::send(Instant now, Question& question) {
    ++question.tries;
    question.due = now + question.wait;
    if (question.opener_ttl) {
        // Should it get as far as the server, its answer shows what the one asked for shows.
        transmits_.push_back({.path = {question.asked.socket, question.answered.remote},
                              .request = {.transaction = question.request.transaction},
                              .ttl = question.opener_ttl});
    }
    transmits_.push_back({.path = question.asked, .request = question.request});
}

}  // namespace pinhole::traversal
