; Fovea's installer for Windows, for one person and without administrator rights. Inno Setup 6.3 or newer:
;
;     iscc /DVersion=0.1.0 /DFlavour=cpu /DBundle=C:\fovea\dist\...\fovea packaging\windows\fovea.iss
;
; Version, Flavour (cpu or cuda) and Bundle (the folder with fovea.exe in it) have to be given. The installer is signed only if
; a sign tool is given: /DSignTool=fovea "/Sfovea=powershell -File C:\fovea\packaging\windows\sign.ps1 $f"

#ifndef Version
  #error /DVersion= is missing: Fovea's version, as in pyproject.toml
#endif
#ifndef Flavour
  #error /DFlavour= is missing: cpu or cuda
#endif
#if Flavour != "cpu" && Flavour != "cuda"
  #error Flavour is neither cpu nor cuda
#endif
#ifndef Bundle
  #error /DBundle= is missing: the folder with fovea.exe in it
#endif
#if !FileExists(AddBackslash(Bundle) + "fovea.exe")
  #error There is no fovea.exe in Bundle
#endif

[Setup]
; Both flavours are the same program: installing one puts it in place of the other.
AppId={{A3717A8C-00BD-4610-A194-9C4885D9D1DF}
AppName=Fovea
AppVersion={#Version}
AppVerName=Fovea {#Version}
AppPublisher=The Fovea project
VersionInfoVersion={#Version}
PrivilegesRequired=lowest
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0
DefaultDirName={autopf}\Fovea
DisableProgramGroupPage=yes
DisableDirPage=auto
SetupIconFile=..\icons\fovea.ico
UninstallDisplayIcon={app}\fovea-window.exe
UninstallDisplayName=Fovea
ChangesAssociations=yes
Compression=lzma2/max
SolidCompression=yes
LZMAUseSeparateProcess=yes
WizardStyle=modern
OutputDir=..\..\dist
OutputBaseFilename=fovea-{#Version}-{#Flavour}-windows-setup
#ifdef SignTool
SignTool={#SignTool}
SignedUninstaller=yes
#endif

[Tasks]
Name: desktopicon; Description: "{cm:CreateDesktopIcon}"; GroupDescription: "{cm:AdditionalIcons}"; Flags: unchecked

[InstallDelete]
; What the version before had and this one has not must not be found.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "{#AddBackslash(Bundle)}*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs

[Icons]
Name: "{autoprograms}\Fovea"; Filename: "{app}\fovea-window.exe"
Name: "{autodesktop}\Fovea"; Filename: "{app}\fovea-window.exe"; Tasks: desktopicon

[Registry]
; Fovea is in "Open with" of images. No suffix's own value is written, so what opens images by itself stays what it is.
Root: HKA; Subkey: "Software\Classes\Fovea.Image"; ValueType: string; ValueData: "Image"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\Fovea.Image\DefaultIcon"; ValueType: string; ValueData: "{app}\fovea-window.exe,0"
Root: HKA; Subkey: "Software\Classes\Fovea.Image\shell\open\command"; ValueType: string; ValueData: """{app}\fovea-window.exe"" ""%1"""
Root: HKA; Subkey: "Software\Classes\Applications\fovea-window.exe"; ValueType: string; ValueName: "FriendlyAppName"; ValueData: "Fovea"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\Applications\fovea-window.exe\shell\open\command"; ValueType: string; ValueData: """{app}\fovea-window.exe"" ""%1"""
Root: HKA; Subkey: "Software\Classes\.jpg\OpenWithProgids"; ValueType: string; ValueName: "Fovea.Image"; ValueData: ""; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKA; Subkey: "Software\Classes\Applications\fovea-window.exe\SupportedTypes"; ValueType: string; ValueName: ".jpg"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\.jpeg\OpenWithProgids"; ValueType: string; ValueName: "Fovea.Image"; ValueData: ""; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKA; Subkey: "Software\Classes\Applications\fovea-window.exe\SupportedTypes"; ValueType: string; ValueName: ".jpeg"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\.jpe\OpenWithProgids"; ValueType: string; ValueName: "Fovea.Image"; ValueData: ""; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKA; Subkey: "Software\Classes\Applications\fovea-window.exe\SupportedTypes"; ValueType: string; ValueName: ".jpe"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\.jfif\OpenWithProgids"; ValueType: string; ValueName: "Fovea.Image"; ValueData: ""; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKA; Subkey: "Software\Classes\Applications\fovea-window.exe\SupportedTypes"; ValueType: string; ValueName: ".jfif"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\.png\OpenWithProgids"; ValueType: string; ValueName: "Fovea.Image"; ValueData: ""; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKA; Subkey: "Software\Classes\Applications\fovea-window.exe\SupportedTypes"; ValueType: string; ValueName: ".png"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\.webp\OpenWithProgids"; ValueType: string; ValueName: "Fovea.Image"; ValueData: ""; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKA; Subkey: "Software\Classes\Applications\fovea-window.exe\SupportedTypes"; ValueType: string; ValueName: ".webp"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\.gif\OpenWithProgids"; ValueType: string; ValueName: "Fovea.Image"; ValueData: ""; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKA; Subkey: "Software\Classes\Applications\fovea-window.exe\SupportedTypes"; ValueType: string; ValueName: ".gif"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\.tif\OpenWithProgids"; ValueType: string; ValueName: "Fovea.Image"; ValueData: ""; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKA; Subkey: "Software\Classes\Applications\fovea-window.exe\SupportedTypes"; ValueType: string; ValueName: ".tif"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\.tiff\OpenWithProgids"; ValueType: string; ValueName: "Fovea.Image"; ValueData: ""; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKA; Subkey: "Software\Classes\Applications\fovea-window.exe\SupportedTypes"; ValueType: string; ValueName: ".tiff"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\.bmp\OpenWithProgids"; ValueType: string; ValueName: "Fovea.Image"; ValueData: ""; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKA; Subkey: "Software\Classes\Applications\fovea-window.exe\SupportedTypes"; ValueType: string; ValueName: ".bmp"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\.avif\OpenWithProgids"; ValueType: string; ValueName: "Fovea.Image"; ValueData: ""; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKA; Subkey: "Software\Classes\Applications\fovea-window.exe\SupportedTypes"; ValueType: string; ValueName: ".avif"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\.heic\OpenWithProgids"; ValueType: string; ValueName: "Fovea.Image"; ValueData: ""; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKA; Subkey: "Software\Classes\Applications\fovea-window.exe\SupportedTypes"; ValueType: string; ValueName: ".heic"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\.heif\OpenWithProgids"; ValueType: string; ValueName: "Fovea.Image"; ValueData: ""; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKA; Subkey: "Software\Classes\Applications\fovea-window.exe\SupportedTypes"; ValueType: string; ValueName: ".heif"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\.hif\OpenWithProgids"; ValueType: string; ValueName: "Fovea.Image"; ValueData: ""; Flags: uninsdeletevalue uninsdeletekeyifempty
Root: HKA; Subkey: "Software\Classes\Applications\fovea-window.exe\SupportedTypes"; ValueType: string; ValueName: ".hif"; ValueData: ""
; Found by its name from the Run dialog and by other programs.
Root: HKA; Subkey: "Software\Microsoft\Windows\CurrentVersion\App Paths\fovea.exe"; ValueType: string; ValueData: "{app}\fovea.exe"; Flags: uninsdeletekey

[Run]
Filename: "{app}\fovea-window.exe"; Description: "{cm:LaunchProgram,Fovea}"; Flags: nowait postinstall skipifsilent

; The uninstaller removes what is written above. Models and settings are the person's, lie elsewhere, and stay.
