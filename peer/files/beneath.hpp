// Files below a directory that we hold open, whatever others do to the names meanwhile.
//
// Each component is opened in the directory of the one before, never through a link of any kind,
// so a name that changes under our hands leads to an error and not elsewhere. A thin cover of
// system calls: no state, and an errno where something is not possible.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <sys/types.h>

#include "shared/base/bytes.hpp"
#include "shared/base/result.hpp"
#include "shared/net/unique_fd.hpp"

namespace pinhole::peer::files {

using net::UniqueFd;

/// Or why the system did not do it.
template <class T>
using Disk = Result<T, std::errc>;

/// How to open the one name.
struct OpenWay {
    int flags = 0;
    /// Of a file that is made.
    mode_t mode = 0;
    /// May lead to another file system.
    bool crosses = false;
};

/// Opens `name`, one component, in `directory`. ELOOP for a link, EXDEV for what leads away.
[[nodiscard]] Disk<UniqueFd> open_beneath(int directory, const std::string& name,
                                          const OpenWay& way);

/// Opens the directory that `components` lead to. `makes`: those that are missing are made.
struct DirectoryWay {
    bool makes = false;
    bool crosses = false;
};
[[nodiscard]] Disk<UniqueFd> open_directory_beneath(int directory,
                                                    const std::vector<std::string_view>& components,
                                                    const DirectoryWay& way);

/// What stands at a name, links not followed.
struct Standing {
    bool is_file = false;
    bool is_directory = false;
    std::uint64_t size = 0;
};
/// ENOENT when there is nothing.
[[nodiscard]] Disk<Standing> standing_at(int directory, const std::string& name);

/// Renames within `directory`; EEXIST when `to` exists, unless it `replaces`.
struct Renaming {
    std::string from;
    std::string to;
    bool replaces = false;
};
[[nodiscard]] Disk<void> rename_beneath(int directory, const Renaming& renaming);

/// All of `bytes`, at `offset`.
[[nodiscard]] Disk<void> write_at(int fd, Bytes bytes, std::uint64_t offset);
/// As many as there are: fewer than asked for at the end of the file.
[[nodiscard]] Disk<std::size_t> read_at(int fd, MutableBytes out, std::uint64_t offset);

/// errno as a failed result.
[[nodiscard]] auto disk_failure() -> decltype(failure(std::errc{}));

}  // namespace pinhole::peer::files
