// A file descriptor with an owner. Closing is its only act; it never duplicates or reopens.
#pragma once

#include <utility>

#include <unistd.h>

namespace pinhole::net {

class UniqueFd {
  public:
    /// Owns nothing.
    UniqueFd() = default;
    /// Owns `fd`; a negative value means nothing.
    explicit UniqueFd(int fd) : fd_(fd) {}
    UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    UniqueFd& operator=(UniqueFd&& other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    UniqueFd(const UniqueFd&) = delete;
    UniqueFd& operator=(const UniqueFd&) = delete;
    ~UniqueFd() {
        if (fd_ >= 0) ::close(fd_);
    }

    /// The descriptor, still owned here; -1 when there is none.
    [[nodiscard]] int get() const { return fd_; }
    /// The descriptor, from now on the caller's.
    [[nodiscard]] int release() { return std::exchange(fd_, -1); }
    [[nodiscard]] explicit operator bool() const { return fd_ >= 0; }

  private:
    int fd_ = -1;
};

}  // namespace pinhole::net
