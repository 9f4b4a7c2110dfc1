// A station whose node a test plays: what the rendezvous and other peers do comes in as the node's
// events, all in one turn of the loop, so no clock and no network have a part in it.
//
// While it lives, standard input is empty and standard error goes into a file, for whatever runs in
// the station takes them for its own.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <asio/post.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "peer/station.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/whole_file.hpp"

namespace pinhole::peer::test {

/// Leads a descriptor to a file, and back again.
class Redirected {
  public:
    Redirected(int fd, const std::filesystem::path& file, int flags)
        : fd_(fd), kept_(::fcntl(fd, F_DUPFD_CLOEXEC, 10)) {
        const int opened = ::open(file.c_str(), flags | O_CLOEXEC, 0600);
        if (opened < 0 || ::dup2(opened, fd_) < 0) std::abort();
        ::close(opened);
    }
    Redirected(const Redirected&) = delete;
    Redirected& operator=(const Redirected&) = delete;
    ~Redirected() {
        ::dup2(kept_, fd_);
        ::close(kept_);
    }

  private:
    int fd_;
    int kept_;
};

class PlayedStation {
  public:
    explicit PlayedStation(AcceptPolicy accept = AcceptPolicy::kAll)
        : in_(STDIN_FILENO, "/dev/null", O_RDONLY),
          err_(STDERR_FILENO, path("stderr"), O_WRONLY | O_CREAT | O_TRUNC),
          station_({.id = *Id::parse("alice"),
                    .via = "127.0.0.1:9",
                    .accept = accept,
                    .psk_file = std::nullopt,
                    .maps_ports = false},
                   false, environment()) {}
    PlayedStation(const PlayedStation&) = delete;
    PlayedStation& operator=(const PlayedStation&) = delete;
    ~PlayedStation() = default;

    [[nodiscard]] Station& station() { return station_; }
    [[nodiscard]] std::filesystem::path path(const std::string& name) const {
        return home_.path() / name;
    }
    /// What was said so far.
    [[nodiscard]] std::string said() const { return pinhole::test::read_file(path("stderr")); }
    [[nodiscard]] net::Environment environment() const {
        return [home = home_.path().string()](std::string_view name) -> std::optional<std::string> {
            const bool is_ours = name == "XDG_STATE_HOME" || name == "XDG_RUNTIME_DIR";
            return is_ours ? std::optional{home} : std::nullopt;
        };
    }

    /// Runs `activity`, calls `play` inside the loop, and ends with `kOk` unless it ended before.
    [[nodiscard]] ExitCode run(Activity& activity, const std::function<void()>& play) {
        asio::post(station_.io(), [&] {
            play();
            station_.leave(ExitCode::kOk);
            // Nobody is there to say goodbye to.
            for (const auto& [id, number] : std::exchange(connected_, {})) {
                station_.on_event(node::PeerClosed{.peer = number, .id = id});
            }
        });
        return station_.run(activity);
    }

    // What happens:
    void register_us() {
        station_.on_event(node::ServerProven{.server_key = key_of("rendezvous")});
        station_.on_event(node::Registered{.server = *Endpoint::parse("127.0.0.1:9"),
                                           .observed = std::nullopt,
                                           .server_key = key_of("rendezvous")});
    }
    void connect(const std::string& name) {
        const Id id = *Id::parse(name);
        const PeerNumber number{++last_};
        connected_.insert_or_assign(id, number);
        station_.on_event(
            node::PeerConnected{.peer = number, .id = id, .key = key_of(name), .incoming = true});
    }
    void close(const std::string& name, node::CloseReason reason) {
        const Id id = *Id::parse(name);
        const auto left = connected_.extract(id);
        station_.on_event(node::PeerClosed{.peer = left.mapped(), .id = id, .reason = reason});
    }
    /// Nothing comes from it any more, and its return is waited for.
    void lose_path(const std::string& name) {
        node::PathChanged lost{};
        lost.peer = connected_.at(*Id::parse(name));
        lost.state = node::PathState::kLost;
        station_.on_event(lost);
    }
    /// These are in the room.
    void room(const std::string& where, const std::vector<std::string>& names) {
        node::RoomMembers members{.room = *Id::parse(where), .members = {}};
        for (const std::string& name : names) {
            members.members.push_back({.id = *Id::parse(name), .key = key_of(name)});
        }
        station_.on_event(members);
    }
    /// The peer says that on a stream channel.
    void hear(const std::string& name, const StreamFrame& frame) {
        const ByteVector bytes = encode(frame);
        station_.on_event(node::MessageReceived{
            .peer = connected_.at(*Id::parse(name)), .channel = kStreamChannel, .bytes = bytes});
    }

  private:
    /// The same for the same name.
    [[nodiscard]] static crypto::PublicKey key_of(const std::string& name) {
        FixedBytes<crypto::kKeySize> bytes{};
        std::ranges::copy(as_bytes(std::string_view{name}), bytes.begin());
        return crypto::PublicKey::from_bytes(bytes);
    }

    pinhole::test::TemporaryDirectory home_;
    Redirected in_;
    Redirected err_;
    Station station_;
    std::map<Id, PeerNumber> connected_;
    std::uint32_t last_ = 1000;
};

}  // namespace pinhole::peer::test
