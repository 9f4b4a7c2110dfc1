// The directory into which files are received: where a path leads in it, and how a file comes to
// stand there whole or not at all.
//
// Holds the directory open, so its own name may change. A file is written as `.NAME.part-XXXXXXXX`
// beside its place, mode 0600, and gets its name when all of it is on the disk.
#pragma once

#include <filesystem>
#include <string>

#include "peer/files/beneath.hpp"

namespace pinhole::peer::files {

/// What to do when another file of the name is there.
enum class ConflictPolicy : std::uint8_t {
    kSkip,       ///< leave it alone
    kOverwrite,  ///< put the new one in its place
    kRename,     ///< call the new one "NAME (1).EXT"
};

/// A name in a directory that we hold open.
struct Place {
    UniqueFd directory;
    std::string name;
};

/// What a file is when it is whole.
struct FileFacts {
    std::uint64_t size = 0;
    /// Nanoseconds since 1970.
    std::int64_t mtime = 0;
    bool is_executable = false;
};

class TargetDirectory {
  public:
    /// Makes it if only its last component is missing. Throws std::system_error.
    explicit TargetDirectory(const std::filesystem::path& path);

    /// Absolute, as it was when we opened it.
    [[nodiscard]] const std::string& path() const { return path_; }
    /// The place of a path without a fault. `makes`: directories on the way that are missing.
    [[nodiscard]] Disk<Place> place_of(std::string_view path, bool makes) const;
    /// Makes the directory of that path, and those on the way.
    [[nodiscard]] Disk<void> make_directory(std::string_view path) const;
    /// The permissions that a finished file gets.
    [[nodiscard]] mode_t mode_of(const FileFacts& facts) const;

  private:
    std::string path_;
    UniqueFd fd_;
    mode_t umask_;
};

/// ".NAME.part-XXXXXXXX"; a long name is cut.
[[nodiscard]] std::string part_name(std::string_view name, std::string_view suffix);
/// "NAME (2).EXT" for number 2.
[[nodiscard]] std::string renamed(std::string_view name, unsigned number);

/// Opens the regular file that stands at `place`. EINVAL for anything else.
[[nodiscard]] Disk<UniqueFd> open_standing(const Place& place);
/// Makes the part file; EEXIST when there is one.
[[nodiscard]] Disk<UniqueFd> make_part(const Place& place, std::string_view suffix);
/// Opens our part file. EINVAL when it is not a file that only we write and that has one name.
[[nodiscard]] Disk<UniqueFd> open_part(const Place& place, std::string_view suffix);

void remove_part(const Place& place, std::string_view suffix);

/// Makes a file that has no name yet, where the file system and /proc allow to name it later.
[[nodiscard]] Disk<UniqueFd> make_unnamed(const Place& place);

/// There is room for `bytes` more and for others: a full disk is worse than a file less.
[[nodiscard]] bool has_room(const Place& place, std::uint64_t bytes);

/// Has the disk keep room for a file of that size, without making it longer: whoever else writes
/// there cannot take it. ENOSPC, or what else will not change; no error where the file system
/// cannot promise room.
[[nodiscard]] Disk<void> reserve(int fd, std::uint64_t bytes);
/// Bytes that the file has on the disk, and is kept for it.
[[nodiscard]] std::uint64_t reserved(int fd);

/// Begins to write chunk `index` to the disk, and waits until an earlier one is there: so the
/// `fsync` at the end is short however slow the disk is.
void write_back(int fd, std::uint32_t index);

/// Begins to write to the disk whatever of the file is not there.
void begin_sync(int fd);

/// What a part file becomes, and where.
struct Finish {
    int part_fd = -1;
    /// Of the part file; empty for one without a name.
    std::string suffix;
    FileFacts facts;
    mode_t mode = 0;
    ConflictPolicy conflict = ConflictPolicy::kSkip;
};
/// Gives a file that is whole on the disk its name, which is returned: another than asked for under
/// `kRename`. EEXIST when the name is taken and stays so. The name itself is safe when the
/// directory is synced.
[[nodiscard]] Disk<std::string> name_file(const Place& place, const Finish& finish);

}  // namespace pinhole::peer::files
