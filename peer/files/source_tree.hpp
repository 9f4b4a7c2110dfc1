// What is to be sent: the files and directories that the user named, as a list of entries, and how
// each is opened.
//
// A link that the user names is followed. Below a directory no link is, when it is listed as when
// its files are opened; links, pipes and devices there are left out and said. Directories appear
// only where they are empty: others come into being with their files. Standard input is an entry of
// its own, which others read.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "peer/files/beneath.hpp"
#include "peer/files/file_protocol.hpp"

namespace pinhole::peer::files {

struct SourceEntry {
    /// As the other side sees it.
    std::string path;
    std::uint64_t size = 0;
    std::int64_t mtime = 0;
    /// Which of the user's words it came from.
    std::uint32_t root = 0;
    EntryKind kind = EntryKind::kFile;
    bool is_executable = false;
    /// Comes from standard input; its size is known at its end.
    bool is_input = false;
    /// Nothing more is to be done about it.
    bool is_through = false;
};

/// Something that is not sent, and why.
struct LeftOut {
    std::string path;
    std::string why;
};

/// A file that is being read.
class SourceFile {
  public:
    SourceFile(UniqueFd fd, std::uint64_t size, std::int64_t mtime)
        : fd_(std::move(fd)), size_(size), mtime_(mtime) {}

    /// Fills `out`; false when the file does not have these bytes any more.
    [[nodiscard]] bool read(std::uint64_t offset, MutableBytes out) const;
    /// Size and time are what they were when it was listed.
    [[nodiscard]] bool is_unchanged() const;

  private:
    UniqueFd fd_;
    std::uint64_t size_;
    std::int64_t mtime_;
};

class SourceTree {
  public:
    /// Lists everything. `words` are paths as the user gave them. Throws std::runtime_error, or
    /// std::system_error for a word that leads nowhere.
    explicit SourceTree(const std::vector<std::string>& words);
    /// Standard input, as a file that is called `name`, which has no fault.
    [[nodiscard]] static SourceTree of_input(const std::string& name);

    [[nodiscard]] std::vector<SourceEntry>& entries() { return entries_; }
    [[nodiscard]] const std::vector<SourceEntry>& entries() const { return entries_; }
    [[nodiscard]] const std::vector<LeftOut>& left_out() const { return left_out_; }
    /// The name of the one thing that the user named; empty when he named several.
    [[nodiscard]] std::string name() const {
        return roots_.size() == 1 ? roots_.front().name : std::string{};
    }

    /// Stands for the whole list, whatever of it is through: kinds, paths, sizes and times. Nothing
    /// for standard input, which is never sent twice.
    [[nodiscard]] const std::optional<Hash>& manifest() const { return manifest_; }

    /// Nothing when it cannot be read, or is not the file that was listed.
    [[nodiscard]] std::optional<SourceFile> open(const SourceEntry& entry) const;

    /// Standard input is to be sent, and nothing else.
    [[nodiscard]] bool is_input() const {
        return entries_.size() == 1 && entries_.front().is_input;
    }

  private:
    SourceTree() = default;

    struct Root {
        std::filesystem::path path;
        /// Its name at the other side.
        std::string name;
        bool is_directory = false;
    };
    class Walk;

    std::vector<Root> roots_;
    std::vector<SourceEntry> entries_;
    std::vector<LeftOut> left_out_;
    std::optional<Hash> manifest_;
};

}  // namespace pinhole::peer::files
