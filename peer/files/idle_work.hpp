// Long work in small pieces between the loop's other events, so that nobody waits for its end.
#pragma once

#include <functional>
#include <utility>

#include <asio/io_context.hpp>
#include <asio/post.hpp>

namespace pinhole::peer::files {

class IdleWork {
  public:
    /// `piece` does one piece, and asks again if there is more. Must not be destroyed between two
    /// turns of a running loop.
    IdleWork(asio::io_context& io, std::function<void()> piece)
        : io_(io), piece_(std::move(piece)) {}
    IdleWork(const IdleWork&) = delete;
    IdleWork& operator=(const IdleWork&) = delete;

    /// Has `piece` called once, after what the loop has to do already.
    void ask() {
        if (std::exchange(is_asked_, true)) return;
        asio::post(io_, [this] {
            is_asked_ = false;
            piece_();
        });
    }

  private:
    asio::io_context& io_;
    std::function<void()> piece_;
    bool is_asked_ = false;
};

}  // namespace pinhole::peer::files
