// path_queue: paths that wait to be read, packed, since a directory of any size must hardly show in the program's memory.
#pragma once

#include <cstddef>
#include <cvt/error.hpp>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "input/input.hpp"
#include "input/selection.hpp"

namespace app {

class path_queue {
public:
    /// Adds a file, or the images (or archives) of a directory, which is listed here, without its subdirectories. Returns the number
    /// of inputs. Archives are added whatever the selection says, which is about their members. Appends to `notes` how many entries
    /// were skipped.
    std::size_t add(const std::string& path, bool archives, selection& wanted, std::string& notes);
    std::optional<input> take();
    [[nodiscard]] bool empty() const { return groups_.empty(); }

private:
    /// Names in one directory, or whole paths, or one path with a problem.
    struct group {
        std::string directory;            ///< "" for whole paths
        std::string names;                ///< each followed by a NUL
        std::vector<std::size_t> starts;  ///< of the names, in their order
        std::size_t taken = 0;
        std::optional<cvt::error> problem = std::nullopt;
        bool of_other_shard = false;

        void add(std::string_view name);
        void sort();
    };
    std::size_t add_problem(const std::string& path, const cvt::error& problem, selection& wanted);
    std::size_t add_directory(const std::string& directory, bool archives, selection& wanted, std::string& notes);

    std::deque<group> groups_;
};

}  // namespace app
