// A sender and a receiver of files joined by two pipes in memory, which carry as much as a test
// lets them, in pieces of any length.
#pragma once

#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "peer/files/file_receiver.hpp"
#include "peer/files/file_sender.hpp"
#include "tests/support/seeded_random.hpp"
#include "tests/support/temporary_directory.hpp"
#include "tests/support/whole_file.hpp"

namespace pinhole::peer::files::test {

namespace fs = std::filesystem;

/// Everything is to come, whatever it is called.
inline const Announcement kAnything{.entries = kEntriesMax,
                                    .bytes = std::numeric_limits<std::uint64_t>::max()};

using pinhole::test::content_of;
using pinhole::test::read_file;
using pinhole::test::write_file;

/// All files below `root`, hidden ones too, by their relative path; "/" behind a directory's.
inline std::map<std::string, std::string> tree_of(const fs::path& root) {
    std::map<std::string, std::string> out;
    for (const auto& entry : fs::recursive_directory_iterator{root}) {
        const std::string path = fs::relative(entry.path(), root).string();
        if (entry.is_symlink()) {
            out[path + "@"] = fs::read_symlink(entry.path()).string();
        } else if (entry.is_directory()) {
            out[path + "/"] = "";
        } else {
            out[path] = read_file(entry.path());
        }
    }
    return out;
}

/// Two homes, and what both sides keep while connections come and go.
struct FilePair {
    explicit FilePair(std::uint64_t seed = 1) : random(seed) {
        for (const char* name : {"from", "to", "state"}) fs::create_directory(home.path() / name);
        fs::permissions(home.path() / "state", fs::perms::owner_all);
    }

    [[nodiscard]] fs::path from(const std::string& name = {}) const {
        return home.path() / "from" / name;
    }
    [[nodiscard]] fs::path to(const std::string& name = {}) const {
        return home.path() / "to" / name;
    }
    [[nodiscard]] fs::path partials() const { return home.path() / "state" / "partials"; }

    /// What the sender's user names.
    void list(const std::vector<std::string>& names) {
        std::vector<std::string> words;
        for (const std::string& name : names) words.push_back(from(name).string());
        source = std::make_unique<SourceTree>(words);
    }

    /// A new start of the receiving program.
    void restart_receiver() {
        receiver.reset();
        target = std::make_unique<TargetDirectory>(to());
        store = std::make_unique<PartialStore>(home.path() / "state", random);
    }

    /// A new connection, and what the old one carried is lost.
    void connect() {
        if (!target) restart_receiver();
        receiver.reset();
        sender = std::make_unique<FileSender>(*source);
        receiver =
            std::make_unique<FileReceiver>(Reception{.target = *target,
                                                     .partials = *store,
                                                     .random = random,
                                                     .sender = "bob",
                                                     .conflict = conflict,
                                                     .takes_hidden = takes_hidden},
                                           announced.value_or(FileSender::announcement(*source)));
        there.clear();
        back.clear();
    }

    /// One side does one thing, by chance. False when nobody has anything to do.
    bool step() {
        if (is_idle()) return false;
        switch (random.below(4)) {
            case 0:
                feed();
                sender->work();
                break;
            case 1: receiver->work(); break;
            case 2: carry(*sender, there, *receiver); break;
            case 3: carry(*receiver, back, *sender); break;
        }
        note_events();
        return true;
    }
    /// Until nobody has anything to do.
    void run() {
        while (step()) {
        }
    }
    /// From the start to the end, over one connection.
    void transfer() {
        connect();
        run();
    }

    [[nodiscard]] bool is_idle() const {
        return sender->input_room() == 0 && !sender->has_work() && !receiver->has_work() &&
               sender->outgoing().empty() && receiver->outgoing().empty() && there.empty() &&
               back.empty();
    }

    /// Some of standard input, or its end.
    void feed() {
        const std::size_t room = sender->input_room();
        if (room == 0) return;
        if (input.empty()) return sender->on_input_end();
        const std::size_t size = std::min({room, input.size(), random.below(100'000) + 1});
        sender->on_input(as_bytes(std::string_view{input}.substr(0, size)));
        input.erase(0, size);
    }

    /// A piece from one side into its pipe, or out of it into the other side.
    template <class From, class To>
    void carry(From& from_side, ByteVector& pipe, To& to_side) {
        constexpr std::size_t kPipeMax = 256 * 1024;
        if (random.below(2) == 0) {
            const Bytes out = from_side.outgoing();
            const std::size_t room = kPipeMax - std::min(kPipeMax, pipe.size());
            const std::size_t size = std::min({out.size(), room, random.below(100'000) + 1});
            pipe.insert(pipe.end(), out.begin(), out.begin() + static_cast<long>(size));
            from_side.on_sent(size);
        } else if (!pipe.empty()) {
            const std::size_t size = std::min(pipe.size(), random.below(100'000) + 1);
            const ByteVector piece(pipe.begin(), pipe.begin() + static_cast<long>(size));
            pipe.erase(pipe.begin(), pipe.begin() + static_cast<long>(size));
            is_in_order = to_side.on_bytes(piece) && is_in_order;
        }
    }

    void note_events() {
        while (auto event = sender->poll_event()) {
            if (const auto* sent = std::get_if<EntrySent>(&*event)) {
                outcomes[source->entries()[sent->entry].path] = sent->outcome;
                whys[source->entries()[sent->entry].path] = sent->why;
            }
            if (const auto* resumed = std::get_if<EntryResumed>(&*event)) {
                resumed_at.push_back(resumed->bytes);
            }
        }
        while (auto event = receiver->poll_event()) stored[event->path] = event->ending;
    }

    pinhole::test::TemporaryDirectory home;
    pinhole::test::SeededRandom random;
    ConflictPolicy conflict = ConflictPolicy::kSkip;
    bool takes_hidden = false;
    /// Another one than the sender's own.
    std::optional<Announcement> announced;
    /// What the sender's standard input still says.
    std::string input;
    std::unique_ptr<SourceTree> source;
    std::unique_ptr<TargetDirectory> target;
    std::unique_ptr<PartialStore> store;
    std::unique_ptr<FileSender> sender;
    std::unique_ptr<FileReceiver> receiver;
    ByteVector there;
    ByteVector back;
    bool is_in_order = true;
    /// What the sender heard, and what the receiver says, of each path.
    std::map<std::string, std::optional<Outcome>> outcomes;
    std::map<std::string, std::string> whys;
    std::map<std::string, Ending> stored;
    std::vector<std::uint64_t> resumed_at;
};

}  // namespace pinhole::peer::files::test
