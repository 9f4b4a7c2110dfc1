#include "peer/forward/dial.hpp"

#include <utility>

#include <asio/post.hpp>
#include <fmt/format.h>

#include "peer/forward/asio_endpoint.hpp"

namespace pinhole::peer {
namespace {

/// For one address. Long enough for two repeats of a lost SYN (RFC 6298 2.1: 1 s, then 2 s).
constexpr std::chrono::seconds kTryTime{5};

DialFailure not_allowed() {
    return {Refusal::kNotAllowed, "no --allow covers it"};
}

}  // namespace

Dial::Dial(asio::io_context& io, net::Resolver& resolver, net::HostPort target,
           const AllowList* rules)
    : resolver_(resolver),
      target_(std::move(target)),
      rules_(rules),
      socket_(io),
      udp_socket_(io),
      timer_(io) {}

void Dial::cancel() {
    is_cancelled_ = true;
    std::error_code ignored;
    socket_.close(ignored);
    timer_.cancel();
    on_tcp_ = nullptr;
}

void Dial::find(OnEndpoints done) {
    const auto verdict =
        rules_ == nullptr ? Verdict::kAllowed : rules_->verdict(target_.host, target_.port);
    if (verdict == Verdict::kRefused) {
        return asio::post(timer_.get_executor(),
                          [self = shared_from_this(), done = std::move(done)] {
                              if (!self->is_cancelled_) done(failure(not_allowed()));
                          });
    }
    resolver_.resolve(
        text_of(target_), target_.port,
        [self = shared_from_this(), verdict, done = std::move(done)](const net::Resolved& found) {
            if (self->is_cancelled_) return;
            const bool depends = verdict == Verdict::kDependsOnAddress;
            // Whether a name exists is nobody's business who may not connect to it.
            if (!found && depends) return done(failure(not_allowed()));
            if (!found) return done(failure(DialFailure{.text = found.error().sentence}));
            std::vector<Endpoint> endpoints = *found;
            if (depends) {
                std::erase_if(endpoints, [&](const Endpoint& endpoint) {
                    return !self->rules_->allows(endpoint);
                });
            }
            if (endpoints.empty()) return done(failure(not_allowed()));
            done(std::move(endpoints));
        });
}

void Dial::tcp(OnTcp done) {
    on_tcp_ = std::move(done);
    find([self = shared_from_this()](Result<std::vector<Endpoint>, DialFailure> found) {
        if (!found) return std::exchange(self->on_tcp_, nullptr)(failure(found.error()));
        self->endpoints_ = std::move(*found);
        self->try_next();
    });
}

void Dial::try_next() {
    if (next_ == endpoints_.size()) {
        return std::exchange(on_tcp_, nullptr)(failure(DialFailure{.text = last_error_}));
    }
    std::error_code ignored;
    socket_.close(ignored);
    timer_.expires_after(kTryTime);
    timer_.async_wait([self = shared_from_this()](std::error_code error) {
        std::error_code closed;
        if (!error) self->socket_.close(closed);
    });
    socket_.async_connect(asio_endpoint<asio::ip::tcp>(endpoints_[next_]),
                          [self = shared_from_this()](std::error_code error) {
                              if (!self->is_cancelled_) self->on_tried(error);
                          });
}

void Dial::on_tried(std::error_code error) {
    timer_.cancel();
    if (!error) return std::exchange(on_tcp_, nullptr)(std::move(socket_));
    const bool is_late = error == asio::error::operation_aborted;
    last_error_ = fmt::format("{}: {}", endpoints_[next_].to_string(),
                              is_late ? "no answer" : error.message());
    ++next_;
    try_next();
}

void Dial::udp(OnUdp done) {
    find([self = shared_from_this(),
          done = std::move(done)](Result<std::vector<Endpoint>, DialFailure> found) {
        if (!found) return done(failure(found.error()));
        // Without an answer nobody knows which address is the right one; the first is the system's
        // choice (RFC 6724).
        const auto endpoint = asio_endpoint<asio::ip::udp>(found->front());
        std::error_code error;
        self->udp_socket_.open(endpoint.protocol(), error);
        if (!error) self->udp_socket_.connect(endpoint, error);
        if (!error) self->udp_socket_.non_blocking(true, error);
        if (error) {
            return done(failure(DialFailure{
                .text = fmt::format("{}: {}", found->front().to_string(), error.message())}));
        }
        done(std::move(self->udp_socket_));
    });
}

}  // namespace pinhole::peer
