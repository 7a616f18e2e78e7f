// A copy of the repository with its build, plus stand-ins for the files that the README's commands take from elsewhere.
#pragma once

#include <stdlib.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <cvt/config.hpp>

#include "markdown.hpp"
#include "support/checkpoints.hpp"
#include "support/temporary_folder.hpp"

namespace cvt_test {

struct outcome {
    int code = -1;
    std::string out, err;
};

/// Runs commands as they are written, with small stand-ins for downloads and the user's files: every published model is the
/// built-in one, `photo.jpg` the cathedral, ImageNet one photo per class, and `git clone` of a model needs no network.
class sandbox {
public:
    sandbox() {
        for (const auto& entry : fs::directory_iterator{CVT_SOURCE})
            if (entry.path().filename() != "build") link(entry.path(), entry.path().filename());
        for (const auto& entry : fs::directory_iterator{CVT_BINARY})  // programs only: a command must not configure the build that runs it
            if (entry.is_regular_file() && (entry.status().permissions() & fs::perms::owner_exec) != fs::perms::none)
                link(entry.path(), "build/release" / entry.path().filename());
        link(images / "berlin_cathedral.jpg", "photo.jpg");
        link(images / "berlin_cathedral.jpg", "photos/church.jpg");
        link(images / "golf_ball.png", "photos/ball.png");
        link(images / "berlin_cathedral.jpg", "holiday.jpg");
        link(images / "berlin_cathedral.jpg", "my-photos/church/1.jpg");
        link(images / "golf_ball.png", "my-photos/ball/1.png");
        for (const fs::path validation : {"val", "imagenette2/val"}) {
            link(images / "berlin_cathedral.jpg", validation / "n03028079/a.jpg");
            link(images / "golf_ball.png", validation / "n03445777/b.png");
        }
        link(weights / "model.safetensors", "run7.pth");  // readers look at the content, not at the name
        link(weights / "config.json", "run7.json");       // not config.json, which would be read with every single file beside it
        write("pytorch_model.bin", formula_file(cvt::cvt_13));
        write("bin/git",
              "#!/bin/sh\ncase \"$1 $2\" in\n'clone https://huggingface.co/microsoft/cvt-'*) exec ln -s weights \"${2##*/}\" ;;\nesac\n"
              "echo \"git: not expected: $*\" >&2\nexit 1\n");
        fs::permissions(folder_ / "bin/git", fs::perms::owner_all);
        const char* path = ::getenv("PATH");
        path_ = folder_ / "bin" + (path != nullptr ? std::string{":"} + path : "");
    }

    [[nodiscard]] outcome run(const std::string& command) const {
        write("command", command + "\n");
        const std::string shell = "cd '" + folder_.path() + "' && PATH='" + path_ + "' NO_COLOR=1 sh command >out 2>err </dev/null";
        const int status = std::system(shell.c_str());
        return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, read_file(folder_ / "out"), read_file(folder_ / "err")};
    }

    void write(const fs::path& name, const std::string& content) const {
        fs::create_directories((folder_.path() / name).parent_path());
        REQUIRE(write_file(folder_ / name, content));
    }
    void link(const fs::path& target, const fs::path& name) const {
        fs::create_directories((folder_.path() / name).parent_path());
        fs::create_symlink(target, folder_.path() / name);
    }

private:
    const fs::path weights = fs::path{CVT_SOURCE} / "weights", images = fs::path{CVT_SOURCE} / "examples/images";
    temporary_folder folder_;
    std::string path_;
};

}  // namespace cvt_test
