#include "peer/send.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "peer/quantity.hpp"
#include "peer/text_sanitizer.hpp"

namespace pinhole::peer {
namespace {

/// A word that a shell takes as one.
std::string quoted(const std::string& word) {
    constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@%+=,[]";
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
    std::string out = "'";
    for (const char c : word) {
        if (c == '\'') {
            out += "'\\''";
        } else {
            out += c;
        }
    }
    return out + "'";
}

}  // namespace

Send::Send(Station& station, const SendOptions& options, files::SourceTree source)
    : station_(station),
      options_(options),
      source_(std::move(source)),
      files_(station, files::Telling::kAll,
             {.on_taken = [this](auto) { on_taken(); },
              .on_ended =
                  [this](auto, std::uint64_t failed) {
                      station_.leave(failed == 0 ? ExitCode::kOk : ExitCode::kOther);
                  },
              .on_failed = [this](auto, const Problem& problem) { station_.fail(problem); }}),
      show_(station, [this](Instant now) { return files_.states(now); }) {}

void Send::on_start() {
    const bool is_empty = source_->entries().empty();
    transfer_ = files_.add(options_.peer, *std::exchange(source_, std::nullopt));
    if (is_empty) return station_.fail({ExitCode::kOther, "there is nothing to send"});
    if (options_.timeout != Duration::max()) deadline_ = station_.now() + options_.timeout;
    station_.connect(options_.peer, options_.wait);
}

// ---- the connection

void Send::on_connected(const Id& peer) {
    if (peer != options_.peer) return;
    was_connected_ = true;
    // Whether it takes the files may be a person's decision, who needs more time than a program.
    if (!options_.limits_taking) deadline_ = kNever;
    station_.send(peer, Hello{.takes_texts = false});
    files_.on_connected(peer);
}

void Send::on_taken() {
    deadline_ = kNever;
    show_.begin(station_.now());
}

void Send::on_closed(const Id& peer, node::CloseReason reason) {
    if (peer != options_.peer) return;
    const bool was_taken = files_.was_taken(transfer_);
    const Duration patience = was_taken ? options_.timeout_when_lost : options_.timeout;
    if (deadline_ == kNever && patience != Duration::max()) {
        deadline_ = station_.now() + patience;
    }
    // After a restart the next connection comes by itself.
    if (reason != node::CloseReason::kPeerRestarted) station_.connect(peer, true);
}

void Send::on_connect_failed(const node::ConnectFailed& event) {
    if (options_.peer == event.id) station_.wait_or_fail(event);
}

void Send::on_key_changed(const Id& peer, const Problem& problem) {
    if (peer == options_.peer) station_.fail(problem);
}

void Send::on_server_trouble(const Problem& problem) {
    station_.fail_if_refused(problem);
}

// ---- the end

std::string Send::same_command() const {
    std::string out = fmt::format("peer send --id {} --via {}", station_.options().id,
                                  quoted(station_.options().via));
    if (station_.options().psk_file) {
        out += " --psk-file " + quoted(station_.options().psk_file->string());
    }
    for (const std::string& file : options_.files) out += " " + quoted(file);
    return fmt::format("{} {}", out, options_.peer);
}

void Send::on_leaving() {
    const std::uint64_t left = files_.files_left(transfer_);
    if (left == 0 || !files_.was_taken(transfer_)) return;
    if (options_.input_name) {
        return station_.narrator().warn(
            fmt::format("{} is not stored there, and standard input cannot be read again",
                        *options_.input_name));
    }
    station_.narrator().warn(
        fmt::format("{} not confirmed yet; to go on where it ended, run:\n  {}", count_words(left),
                    sanitized(same_command())));
}

// ---- time

void Send::handle_timeout(Instant now) {
    if (now >= deadline_) {
        deadline_ = kNever;
        return station_.fail(
            {ExitCode::kTimeout,
             fmt::format("{0} {1}\n  on its machine run: peer receive --id {0} --via {2} ; or wait "
                         "here with --wait",
                         options_.peer,
                         was_connected_ ? "did not come back in time" : "did not answer in time",
                         station_.options().via)});
    }
    files_.handle_timeout(now);
    show_.handle_timeout(now);
}

Instant Send::next_timeout() const {
    return std::min({deadline_, files_.next_timeout(), show_.next_timeout()});
}

ExitCode run_send(const SendOptions& options, const net::Environment& environment) {
    auto source = options.input_name ? files::SourceTree::of_input(*options.input_name)
                                     : files::SourceTree{options.files};
    Station station{options.station, false, environment};
    Send send{station, options, std::move(source)};
    return station.run(send);
}

}  // namespace pinhole::peer
