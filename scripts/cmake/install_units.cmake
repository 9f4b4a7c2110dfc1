# Runs at installation: writes the service units with the place of the programs in them. `units` is
# their folder in the tree and `bindir` that of the programs, below the prefix unless it is absolute.
cmake_policy(VERSION 3.25)
get_filename_component(prefix "${CMAKE_INSTALL_PREFIX}" ABSOLUTE)
get_filename_component(CMAKE_INSTALL_FULL_BINDIR "${bindir}" ABSOLUTE BASE_DIR "${prefix}")
foreach(unit system/pinhole-rendezvous.service user/pinhole-peer@.service)
    get_filename_component(name ${unit} NAME)
    set(to ${prefix}/lib/systemd/${unit})
    configure_file(${units}/${name}.in $ENV{DESTDIR}${to} @ONLY)
    list(APPEND CMAKE_INSTALL_MANIFEST_FILES ${to})
    message(STATUS "Installing: $ENV{DESTDIR}${to}")
endforeach()
