// Connections in the other direction: one side asks the other one to listen.
//
// The question is a stream whose argument is the spec; the other side listens as long as the stream
// stands, and opens a stream back for each connection.
#pragma once

#include <memory>

#include "peer/forward/allow_list.hpp"
#include "peer/forward/entrance.hpp"

namespace pinhole::peer {

/// Listeners that one peer may have here.
inline constexpr std::size_t kReversesMax = 64;

/// We asked.
class ReverseQuestion final : public Link {
  public:
    struct Callbacks {
        std::function<void()> on_accepted;
        std::function<void(std::string_view text)> on_refused;
    };

    explicit ReverseQuestion(Callbacks callbacks) : callbacks_(std::move(callbacks)) {}

    void on_accepted() override { callbacks_.on_accepted(); }
    void on_refused(Refusal /*reason*/, std::string_view text) override {
        callbacks_.on_refused(text);
    }
    /// The whole connection is over, and we ask again on the next one.
    void on_lost(StreamEnd /*why*/) override {}
    void on_data(Bytes /*bytes*/) override {}
    void stop() override {}

  private:
    Callbacks callbacks_;
};

/// We are asked: takes or refuses the question of `stream`.
void answer_reverse(Desk& desk, Links& reverses, const AllowList& rules, const StreamName& stream,
                    std::string_view argument);

}  // namespace pinhole::peer
