#include "shared/net/upnp_client.hpp"

#include <condition_variable>
#include <mutex>
#include <utility>

#include <asio/post.hpp>

#include "shared/net/clock.hpp"
#include "shared/net/upnp_device.hpp"

namespace pinhole::net {

/// What the loop and the thread share. A `shared_ptr`, against the rule of this code, since either
/// may be the last to leave.
class UpnpClient::Errand : public std::enable_shared_from_this<Errand> {
  public:
    explicit Errand(asio::io_context& io) : io_(&io) {}

    // --- the loop's side ---

    void begin(const MappingWish& wish, MappingDone done) {
        done_ = std::move(done);
        const std::lock_guard lock{mutex_};
        ++number_;
        wish_ = wish;
        wake_.notify_all();
    }

    void forget() {
        done_ = nullptr;
        const std::lock_guard lock{mutex_};
        ++number_;
        wish_.reset();
    }

    /// True when the thread has ended within `patience`.
    bool end(Duration patience) {
        std::unique_lock lock{mutex_};
        io_ = nullptr;
        is_over_ = true;
        wake_.notify_all();
        return wake_.wait_for(lock, patience, [this] { return has_left_; });
    }

    // --- the thread's side ---

    void run() {
        UpnpDevice device;
        while (const auto wish = next()) {
            const MappingOutcome outcome = device.ask(*wish);
            if (deliver(outcome)) continue;
            // Nobody waits for it any more, so nobody would remove it.
            if (!outcome || wish->lifetime == Duration{0}) continue;
            MappingWish undo = *wish;
            undo.lifetime = Duration{0};
            undo.external = outcome->external;
            if (!wish->external) static_cast<void>(device.ask(undo));
        }
        const std::lock_guard lock{mutex_};
        has_left_ = true;
        wake_.notify_all();
    }

  private:
    /// Waits for the next question; nothing at the end.
    std::optional<MappingWish> next() {
        std::unique_lock lock{mutex_};
        wake_.wait(lock, [this] { return is_over_ || wish_.has_value(); });
        if (is_over_) return std::nullopt;
        asked_ = number_;
        return std::exchange(wish_, std::nullopt);
    }

    /// False when the question was forgotten.
    bool deliver(const MappingOutcome& outcome) {
        const std::lock_guard lock{mutex_};
        if (io_ == nullptr || asked_ != number_) return false;
        asio::post(*io_, [self = shared_from_this(), number = asked_, outcome] {
            self->hand_over(number, outcome);
        });
        return true;
    }

    /// Back in the loop.
    void hand_over(std::uint64_t number, const MappingOutcome& outcome) {
        {
            const std::lock_guard lock{mutex_};
            if (number != number_) return;
        }
        const MappingDone done = std::exchange(done_, nullptr);
        if (done) done(now(), outcome);
    }

    MappingDone done_;  ///< the loop's alone

    std::mutex mutex_;
    std::condition_variable wake_;
    asio::io_context* io_;  ///< null once nobody runs it for us
    std::uint64_t number_ = 0;
    std::uint64_t asked_ = 0;
    std::optional<MappingWish> wish_;
    bool is_over_ = false;
    bool has_left_ = false;
};

UpnpClient::UpnpClient(asio::io_context& io) : errand_(std::make_shared<Errand>(io)) {}

UpnpClient::~UpnpClient() {
    errand_->forget();
    if (!thread_.joinable()) return;
    if (errand_->end(kUpnpThreadPatience)) {
        thread_.join();
    } else {
        thread_.detach();
    }
}

void UpnpClient::ask(const MappingWish& wish, MappingDone done) {
    errand_->begin(wish, std::move(done));
    if (!thread_.joinable()) thread_ = std::thread{[errand = errand_] { errand->run(); }};
}

void UpnpClient::cancel() {
    errand_->forget();
}

}  // namespace pinhole::net
