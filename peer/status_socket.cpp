#include "peer/status_socket.hpp"

#include <algorithm>
#include <cstring>
#include <deque>
#include <stdexcept>
#include <system_error>
#include <utility>

#include <asio/buffer.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>
#include <fmt/format.h>
#include <sys/un.h>

namespace pinhole::peer {
namespace {

namespace fs = std::filesystem;
using Stream = asio::local::stream_protocol;

/// "status json" and its like, with room.
constexpr std::size_t kRequestMax = 64;
constexpr std::size_t kAskersMax = 32;
/// Answers that one who watches may leave unread.
constexpr std::size_t kUnreadMax = 64;

/// Somebody answers at `path`.
bool is_taken(const fs::path& path) {
    asio::io_context io;
    Stream::socket socket{io};
    std::error_code error;
    socket.connect({path.string()}, error);
    return !error;
}

Stream::acceptor listen_at(asio::io_context& io, const fs::path& path) {
    if (path.string().size() >= sizeof(sockaddr_un::sun_path)) {
        throw std::runtime_error(fmt::format(
            "{} is too long for a socket; set XDG_RUNTIME_DIR to a shorter path", path.string()));
    }
    net::make_private_directory(path.parent_path());
    if (is_taken(path)) {
        throw std::system_error(EADDRINUSE, std::generic_category(), path.string());
    }
    std::error_code ignored;
    fs::remove(path, ignored);
    return {io, Stream::endpoint{path.string()}};
}

}  // namespace

fs::path status_directory(const net::Environment& environment) {
    const auto given = environment("XDG_RUNTIME_DIR");
    // XDG base directory specification: a relative path counts as unset.
    if (given && fs::path{*given}.is_absolute()) return fs::path{*given} / "pinhole";
    return net::state_directory(environment) / "run";
}

fs::path status_path(const net::Environment& environment, const wire::Id& id) {
    return status_directory(environment) / fmt::format("{}.sock", id);
}

/// One who asks. Lives as long as an operation of his is under way, and no longer than `close`.
class StatusSocket::Asker : public std::enable_shared_from_this<Asker> {
  public:
    Asker(Stream::socket socket, StatusSocket& owner)
        : socket_(std::move(socket)), owner_(&owner) {}

    bool is_watching = false;

    void read() {
        asio::async_read_until(
            socket_, asio::dynamic_buffer(request_, kRequestMax), '\n',
            [self = shared_from_this()](std::error_code error, std::size_t size) {
                if (self->owner_ == nullptr) return;
                if (error) return self->owner_->remove(*self);
                self->request_.resize(size - 1);
                self->owner_->answer_request(*self, self->request_);
            });
    }

    /// He hangs up, or says something more, which nobody asked for.
    void wait_for_end() {
        socket_.async_wait(Stream::socket::wait_read, [self = shared_from_this()](std::error_code) {
            if (self->owner_ != nullptr) self->owner_->remove(*self);
        });
    }

    void say(std::string answer) {
        if (answers_.size() >= kUnreadMax) return owner_->remove(*this);
        answers_.push_back(std::move(answer));
        if (answers_.size() == 1) write();
    }

    void close() {
        owner_ = nullptr;
        std::error_code ignored;
        socket_.close(ignored);
    }

  private:
    void write() {
        asio::async_write(socket_, asio::buffer(answers_.front()),
                          [self = shared_from_this()](std::error_code error, std::size_t) {
                              if (self->owner_ == nullptr) return;
                              self->answers_.pop_front();
                              if (!error && !self->answers_.empty()) return self->write();
                              if (error || !self->is_watching) self->owner_->remove(*self);
                          });
    }

    Stream::socket socket_;
    StatusSocket* owner_;
    std::string request_;
    std::deque<std::string> answers_;
};

StatusSocket::StatusSocket(asio::io_context& io, const fs::path& path, Answer answer)
    : path_(path), answer_(std::move(answer)), acceptor_(listen_at(io, path)) {
    accept();
}

StatusSocket::~StatusSocket() {
    stop();
}

void StatusSocket::stop() {
    if (!acceptor_.is_open()) return;
    std::error_code ignored;
    fs::remove(path_, ignored);
    acceptor_.close(ignored);
    for (const auto& asker : askers_) asker->close();
    askers_.clear();
}

void StatusSocket::accept() {
    acceptor_.async_accept([this](std::error_code error, Stream::socket socket) {
        // `stop` was called, and we may be gone.
        if (error == asio::error::operation_aborted) return;
        if (!error && askers_.size() < kAskersMax) {
            askers_.push_back(std::make_shared<Asker>(std::move(socket), *this));
            askers_.back()->read();
        }
        accept();
    });
}

void StatusSocket::answer_request(Asker& asker, const std::string& request) {
    if (request == "status text") return asker.say(answer_(StatusForm::kText));
    if (request == "status json") return asker.say(answer_(StatusForm::kJson));
    if (request != "watch") return remove(asker);
    asker.is_watching = true;
    asker.wait_for_end();
    asker.say(answer_(StatusForm::kJson));
}

void StatusSocket::on_change() {
    const bool is_watched =
        std::ranges::any_of(askers_, [](const auto& asker) { return asker->is_watching; });
    if (!is_watched) return;
    const std::string answer = answer_(StatusForm::kJson);
    // To say something may remove him who is told.
    const auto askers = askers_;
    for (const auto& asker : askers) {
        if (asker->is_watching) asker->say(answer);
    }
}

void StatusSocket::remove(const Asker& asker) {
    const auto found = std::ranges::find_if(
        askers_, [&](const auto& candidate) { return candidate.get() == &asker; });
    if (found == askers_.end()) return;
    (*found)->close();
    askers_.erase(found);
}

}  // namespace pinhole::peer
