// path_queue: paths that wait to be read, packed so that a huge folder takes little memory.
#pragma once

#include <cstddef>
#include <cvt/error.hpp>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/media_files.hpp"
#include "input/input.hpp"
#include "input/selection.hpp"

namespace app {

class path_queue {
public:
    /// `kind`: what folders are searched for, unless paths name `archives`.
    path_queue(media kind, bool archives) : kind_{kind}, archives_{archives} {}

    /// Adds a file, or the images, recordings or archives of a folder without its subfolders. Returns the number of inputs. Archives
    /// are always added, since the selection applies to their members. Appends to `notes` how many entries were skipped.
    std::size_t add(const std::string& path, selection& wanted, std::string& notes);
    std::optional<input> take();

private:
    /// Names in one folder, or whole paths, or one path with an error.
    struct group {
        std::string folder;               ///< "" for whole paths
        std::string names;                ///< each followed by a NUL
        std::vector<std::size_t> starts;  ///< of the names, in their order
        std::size_t taken = 0;
        std::optional<cvt::error> error = std::nullopt;
        bool of_other_shard = false;

        void add(std::string_view name);
        void sort();
    };
    std::size_t add_failed(const std::string& path, const cvt::error& error, selection& wanted);
    std::size_t add_folder(const std::string& folder, selection& wanted, std::string& notes);

    media kind_;
    bool archives_;
    std::deque<group> groups_;
};

}  // namespace app
