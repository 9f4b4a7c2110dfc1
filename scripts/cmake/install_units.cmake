# Runs at installation: writes the service units with the place of the programs in them. `units` is
# their folder in the tree and `bindir` that of the programs below the prefix.
set(CMAKE_INSTALL_FULL_BINDIR ${CMAKE_INSTALL_PREFIX}/${bindir})
set(to $ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/lib/systemd)
foreach(unit system/pinhole-rendezvous.service user/pinhole-peer@.service)
    get_filename_component(name ${unit} NAME)
    configure_file(${units}/${name}.in ${to}/${unit} @ONLY)
    message(STATUS "Installing: ${to}/${unit}")
endforeach()
