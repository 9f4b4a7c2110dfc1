// The verb `pipe`: standard input and output, joined with those of one peer.
//
// Whoever names a peer opens the stream; when both do, that of the smaller name is taken. Who names
// nobody takes the first that comes. One pipe is all: a lost one cannot be resumed, since nobody
// can read standard input twice.
#pragma once

#include <optional>

#include "peer/pipe_options.hpp"
#include "peer/station.hpp"

namespace pinhole::peer {

class Pipe final : public Activity, private StreamService {
  public:
    /// Both must outlive it.
    Pipe(Station& station, const PipeOptions& options) : station_(station), options_(options) {}
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    ~Pipe() override = default;

    void on_start() override;
    void on_connected(const Id& peer) override;
    void on_closed(const Id& peer, node::CloseReason reason) override;
    void on_connect_failed(const node::ConnectFailed& event) override;
    void on_key_changed(const Id& peer, const Problem& problem) override;
    void on_server_trouble(const Problem& problem) override;
    void on_leaving() override;
    void handle_timeout(Instant now) override;
    [[nodiscard]] Instant next_timeout() const override;

  private:
    void on_opened(const StreamName& stream, Bytes argument) override;
    void on_accepted(const StreamName& stream) override;
    void on_refused(const StreamName& stream, Refusal reason, std::string_view text) override;
    void on_data(const StreamName& stream, Bytes bytes) override;
    void on_room(const StreamName& stream) override;
    void on_finished(const StreamName& stream) override;
    void on_done(const StreamName& stream) override;
    void on_closed(const StreamName& stream) override;
    void on_lost(const StreamName& stream, StreamEnd why) override;
    void on_datagram(const StreamName& stream, Bytes bytes) override;

    [[nodiscard]] bool is_ours(const StreamName& stream) const {
        return flow_ && flow_->stream() == stream;
    }
    void begin(const StreamName& stream);
    void on_turn();
    void on_end(PipeEnd end, int error);
    void leave_when_all_is_acknowledged(Instant now);
    void say_what_was_carried(Instant now);

    Station& station_;
    const PipeOptions& options_;
    /// What we asked for, until it is answered.
    std::optional<StreamName> asked_;
    std::optional<PipeFlow> flow_;
    Instant deadline_ = kNever;
    Instant began_at_{};
    /// When the user hears what we wait for.
    Instant tell_waiting_at_ = kNever;
    /// The pipe is complete; the last words must arrive before we leave.
    Instant look_at_ = kNever;
    Instant linger_until_ = kNever;
};

/// Runs the verb to its end.
[[nodiscard]] ExitCode run_pipe(const PipeOptions& options, const net::Environment& environment);

}  // namespace pinhole::peer
