# Run by cmake --install: copies the public headers of the tree `from` to the folder `to`. They are
# what the library's face includes, all the way down, so that no list of them has to be kept.

cmake_policy(VERSION 3.25)
set(face "${from}/shared/library/pinhole")
file(INSTALL "${face}/pinhole.hpp" DESTINATION "${to}")

set(waiting "${face}/pinhole.hpp")
set(copied)
while(waiting)
    list(POP_FRONT waiting file)
    file(STRINGS "${file}" lines REGEX "^#include \"shared/")
    foreach(line IN LISTS lines)
        string(REGEX REPLACE "^#include \"([^\"]+)\".*" "\\1" header "${line}")
        if(header IN_LIST copied)
            continue()
        endif()
        get_filename_component(folder "${header}" DIRECTORY)
        file(INSTALL "${from}/${header}" DESTINATION "${to}/${folder}")
        list(APPEND copied "${header}")
        list(APPEND waiting "${from}/${header}")
    endforeach()
endwhile()
