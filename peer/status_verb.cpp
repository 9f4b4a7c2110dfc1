#include "peer/status_verb.hpp"

#include <cstdio>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "peer/status_socket.hpp"
#include "peer/text_sanitizer.hpp"
#include "shared/net/clock.hpp"

namespace pinhole::peer {
namespace {

namespace fs = std::filesystem;
using Stream = asio::local::stream_protocol;

/// A running peer answers at once, unless it is stopped or its machine is very busy.
constexpr Duration kPatience = 3s;
/// How often one that does not run yet is looked for.
constexpr Duration kLookInterval = 200ms;

std::chrono::microseconds left_until(Instant deadline) {
    return std::chrono::duration_cast<std::chrono::microseconds>(
        std::clamp<Duration>(deadline - net::now(), Duration{0}, 24h));
}

/// A conversation with one running peer.
class Line {
  public:
    /// False when nobody answers there.
    [[nodiscard]] bool open(const fs::path& path, const std::string& request) {
        std::error_code error;
        socket_.connect({path.string()}, error);
        if (!error) asio::write(socket_, asio::buffer(request + "\n"), error);
        return !error;
    }

    /// The next line with its end; nothing at the end, or when none came until `deadline`.
    [[nodiscard]] std::optional<std::string> next(Instant deadline) {
        std::optional<std::string> out;
        asio::async_read_until(socket_, asio::dynamic_buffer(buffer_), '\n',
                               [&](std::error_code error, std::size_t size) {
                                   if (error) return;
                                   out = buffer_.substr(0, size);
                                   buffer_.erase(0, size);
                               });
        wait(deadline);
        return out;
    }

    /// Everything to the end.
    [[nodiscard]] std::optional<std::string> rest(Instant deadline) {
        bool is_whole = false;
        asio::async_read(
            socket_, asio::dynamic_buffer(buffer_),
            [&](std::error_code error, std::size_t) { is_whole = error == asio::error::eof; });
        wait(deadline);
        return is_whole ? std::optional{buffer_} : std::nullopt;
    }

  private:
    void wait(Instant deadline) {
        io_.restart();
        io_.run_for(left_until(deadline));
        if (io_.stopped()) return;
        // What was begun must not outlive its buffers.
        std::error_code ignored;
        socket_.close(ignored);
        io_.run();
    }

    asio::io_context io_;
    Stream::socket socket_{io_};
    std::string buffer_;
};

/// The sockets of this user's peers, or that of one; their processes may be gone.
std::vector<fs::path> sockets(const net::Environment& environment, const std::optional<Id>& id) {
    if (id) return {status_path(environment, *id)};
    std::vector<fs::path> out;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator{status_directory(environment), none}) {
        if (entry.path().extension() == ".sock") out.push_back(entry.path());
    }
    std::ranges::sort(out);
    return out;
}

std::optional<Id> id_of(const Settings& settings) {
    return settings.text("id") ? std::optional{own_id(settings)} : std::nullopt;
}

bool is_connected(const std::string& status, const Id& peer, bool directly) {
    const auto object = nlohmann::json::parse(status, nullptr, false);
    if (!object.is_object() || !object.contains("peers")) return false;
    for (const auto& one : object["peers"]) {
        if (one.value("peer", "") != peer.text() || !one.value("connected", false)) continue;
        return !directly || one.value("path", "") == "direct";
    }
    return false;
}

/// The socket to wait at; nothing while none is there.
std::optional<fs::path> socket_to_watch(const net::Environment& environment,
                                        const std::optional<Id>& id) {
    std::vector<fs::path> found = sockets(environment, id);
    if (!id) {
        std::erase_if(found, [](const fs::path& path) { return !Line{}.open(path, ""); });
    }
    if (found.size() > 1) throw UsageError("several peers run here; whose connection? Give --id");
    return found.empty() ? std::nullopt : std::optional{found.front()};
}

}  // namespace

ExitCode run_status(const Settings& settings, const net::Environment& environment) {
    if (!settings.words().empty()) throw UsageError("status takes no PEER");
    const std::string request = settings.is_set("json") ? "status json" : "status text";
    const auto id = id_of(settings);
    bool is_any_running = false;
    for (const fs::path& path : sockets(environment, id)) {
        Line line;
        if (!line.open(path, request)) continue;
        is_any_running = true;
        const auto answer = line.rest(net::now() + kPatience);
        if (answer) {
            fmt::print("{}", *answer);
        } else {
            fmt::print(stderr, "peer: {} runs and does not answer; is it stopped?\n",
                       sanitized(path.stem().string()));
        }
    }
    if (is_any_running) return ExitCode::kOk;
    if (id) {
        fmt::print(stderr,
                   "peer: no peer called {0} of yours is running\n"
                   "start it: peer --id {0} --via HOST\n",
                   *id);
    } else {
        fmt::print(stderr,
                   "peer: no peer of yours is running\nstart one: peer --id NAME --via HOST\n");
    }
    return ExitCode::kOther;
}

ExitCode run_wait(const Settings& settings, const net::Environment& environment) {
    if (settings.words().size() != 1) throw UsageError("wait takes exactly one PEER");
    const auto id = id_of(settings);
    const auto peer = Id::parse(settings.words().front());
    if (!peer)
        throw UsageError(fmt::format("'{}' is no name: 1 to 32 of a-z 0-9 . _ -",
                                     sanitized(settings.words().front())));
    const auto timeout = timeout_of(settings);
    const Instant deadline = timeout ? net::now() + *timeout : kNever;
    const bool directly = settings.is_set("direct");
    while (net::now() < deadline) {
        Line line;
        const auto path = socket_to_watch(environment, id);
        if (path && line.open(*path, "watch")) {
            while (const auto status = line.next(deadline)) {
                if (is_connected(*status, *peer, directly)) return ExitCode::kOk;
            }
        }
        asio::io_context io;
        const auto guard = asio::make_work_guard(io);
        io.run_for(std::min(left_until(deadline),
                            std::chrono::duration_cast<std::chrono::microseconds>(kLookInterval)));
    }
    fmt::print(
        stderr, "peer: {}\nlook: peer status\n",
        directly
            ? fmt::format("{} is not connected directly after {} s", *peer, *timeout / Duration{1s})
            : fmt::format("{} is not connected after {} s", *peer, *timeout / Duration{1s}));
    return ExitCode::kTimeout;
}

}  // namespace pinhole::peer
