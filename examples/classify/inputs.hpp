// The images to classify, in order: files, the JPEG and PNG files of directories, paths from standard input.
#pragma once

#include <cvt/error.hpp>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace app {

struct input {
    std::string path;
    cvt::error problem;  ///< set when the path stands for no image at all, such as a directory without any
};

/// Paths that wait for their turn, packed: a folder of any size must hardly show in the program's memory.
class path_queue {
public:
    /// A file, or the images of a directory, listed here and now; how many inputs that makes.
    std::size_t add(const std::string& path);
    std::optional<input> take();

private:
    /// Names of one directory, or whole paths.
    struct group {
        std::string directory;            ///< "" for whole paths
        std::string names;                ///< each with a NUL behind it
        std::vector<std::size_t> starts;  ///< of the names, in their order
        std::size_t taken = 0;
        std::optional<cvt::error> problem = std::nullopt;  ///< of the only path

        void add(std::string_view name);
        void sort();
    };
    static group list(const std::string& directory);

    std::deque<group> groups_;
};

class input_list {
public:
    /// Directories among `arguments` are listed here and now; "-" is read line by line as the images are wanted.
    explicit input_list(const std::vector<std::string>& arguments);

    /// Null at the end, and when a read from standard input is interrupted. Throws failure when standard input cannot be read.
    std::optional<input> next();
    /// Null while standard input may bring more.
    [[nodiscard]] std::optional<std::size_t> total() const { return open_ended_ ? std::nullopt : std::optional{total_}; }

private:
    path_queue before_, after_;  // standard input; its lines go through before_
    std::size_t total_ = 0;
    bool open_ended_ = false;
};

}  // namespace app
